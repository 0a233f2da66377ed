// A process for tests to kill: `node other-process.ts <task> <args>`. Prints one line of JSON, then stays.
import { openDataDir } from '../src/data/data-dir.ts'
import { startNats } from '../src/nats/nats-process.ts'
import { startPostgres } from '../src/postgres/postgres-process.ts'

const [task, ...args] = process.argv.slice(2)
console.log(JSON.stringify(await run(task, args)))
setInterval(() => {}, 60_000)

async function run(what: string | undefined, [dataDir = '', binary = '', tether = 'yes']: string[]): Promise<unknown> {
  switch (what) {
    case 'open':
      try {
        openDataDir(dataDir).announce('http://127.0.0.1:7420')
        return { opened: true }
      } catch (error) {
        return { opened: false, why: String(error) }
      }
    case 'nats':
      return { pid: (await startNats({ binary, dataDir, durability: 'interval', tether: tether === 'yes' })).pid }
    case 'postgres':
      return { pid: (await startPostgres({ dataDir, tether: false })).pid }
    default:
      throw new Error(`no task ${what}`)
  }
}
