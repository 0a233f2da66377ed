// `reins dev` in a folder, by the real command: each save, mistakes, and a Reins that it starts itself.
import { spawn } from 'node:child_process'
import { randomInt } from 'node:crypto'
import { once } from 'node:events'
import { readFileSync } from 'node:fs'
import { createServer } from 'node:net'
import path from 'node:path'
import { openDataDir } from '@reins/local'
import { describe, expect, test } from 'vitest'
import { bundledBinary } from '../../scripts/bundle.ts'
import { madeCluster } from '../../deploy/local/test/made-cluster.ts'
import { compileCache, home, searchPath } from '../harness/config.ts'
import { eventually } from '../harness/eventually.ts'
import { agentFile, ProjectTrial } from './project-trial.ts'

const on = new ProjectTrial()

/** One that was free a moment ago, and that no connection of this machine is given by itself. */
async function freePort(): Promise<number> {
  for (;;) {
    const port = 20_000 + randomInt(10_000)
    const server = createServer()
    const free = await new Promise<boolean>((resolve) => {
      server.once('error', () => resolve(false))
      server.listen(port, '127.0.0.1', () => resolve(true))
    })
    await new Promise((resolve) => server.close(resolve))
    if (free) return port
  }
}

describe('reins dev', () => {
  test('loads each change, shows what is wrong with a save, and goes on with the last good build', async () => {
    const file = 'src/agents/live.ts'
    const real = (model: string, more = '') => `
      import { createAgent } from '@reins/agent'
      ${more}
      export default createAgent(() => ({ model: '${model}' }))`
    const folder = on.write('live', { [file]: real('scripted/assistant') })
    const env = {
      ...compileCache,
      PATH: searchPath,
      HOME: folder,
      REINS_URL: on.product.url,
      REINS_TOKEN: on.product.token,
    }
    const child = spawn(process.execPath, [await bundledBinary(), 'dev', folder], { env, cwd: on.product.folder })
    let out = ''
    child.on('error', (error) => {
      out += String(error)
    })
    for (const stream of [child.stdout, child.stderr]) stream.on('data', (chunk) => (out += chunk))
    const shows = (text: string) => eventually(() => out.includes(text), { describe: () => `${text} in ${out}` })
    const version = async () => (await on.product.ask('GET', '/v1/projects/live')).json.project?.version
    try {
      await shows('  live  (src/agents/live.ts)  not exposed')
      await shows('Watching ')
      const begun = await on.product.ask('POST', '/v1/sessions?wait=turn', { agent: 'live', message: 'say hello' })
      expect(begun.json).toMatchObject({ session: { agent: 'live' } })
      const { id } = begun.json.session
      await eventually(async () => {
        const { json } = await on.product.ask('GET', '/v1/sessions?agent=live')
        return json.sessions.length === 1
      })
      on.write('live', { [file]: real('scripted/assistant', 'export const one = 1') })
      await shows('Loaded version 2 of live in ')
      await shows('1 session goes on with it from the next turn.')
      const { json } = await on.product.ask('GET', `/v1/sessions/${id}/events?limit=500`)
      expect(json.events.map(({ type }: { type: string }) => type)).toContain('session.upgraded')
      on.write('live', { [file]: 'oops oops' })
      await shows('src/agents/live.ts:1:6: Expected ";" but found "oops"')
      await shows('The last good build goes on.')
      expect(await version()).toBe(2)
      // What prints into the folder would make it print for ever.
      for (const text of ['one', 'two']) on.write('live', { 'notes.log': text })
      const odd = `import { createAgent } from '@reins/agent'
        export default createAgent(({ id }) => { if (id === 'x') throw 1; return { model: 'scripted/assistant', instruction: 'x' } as any })`
      on.write('live', { [file]: odd })
      await shows('src/agents/live.ts: createAgent() initializer returned unknown runtime config field "instruction"')
      expect(out.split('Expected ";" but found "oops"')).toHaveLength(2)
      expect(await version()).toBe(2)
      const goes = await on.product.ask('POST', `/v1/sessions/${id}/messages?wait=turn`, { content: 'say still here' })
      expect(goes.json.turn).toMatchObject({ status: 'completed', content: expect.stringContaining('still here') })
      on.write('live', { [file]: real('scripted/assistant', 'export const one = 1') })
      await shows('What is saved is the last good build again.')
      on.write('live', {
        [file]: real('scripted/assistant', 'export const two = 2'),
        'src/agents/more.ts': agentFile('a/b'),
      })
      await shows('more  (src/agents/more.ts)')
      expect(await version()).toBeGreaterThan(2)
      const types = path.join(folder, 'dist/client.d.ts')
      await eventually(() => readFileSync(types, 'utf8').includes('readonly agents: "live" | "more"'))
    } finally {
      const ended = once(child, 'exit')
      child.kill('SIGINT')
      await ended
    }
  })

  test('starts a Reins at REINS_PORT where none answers, whose own agent gives its name to the project, and shows what its code throws', async () => {
    const file = 'src/agents/assistant.ts'
    const folder = on.write('alone', {
      [file]: `import { createAgent } from '@reins/agent'
        export const route = async (c: any, next: () => Promise<void>) => {
          if (c.req.query('who')) throw new Error('nobody of that name')
          await next()
        }
        export default createAgent(() => ({ model: 'scripted/assistant' }))`,
    })
    const refused = await on.product.cli('deploy', folder)
    expect(refused.err).toContain(`${file}: there is an agent assistant already, which Reins made at its first start`)
    const made = openDataDir(path.join(folder, '.reins'))
    await madeCluster(path.join(made.path, 'postgres'))
    made.release()
    const port = String(await freePort())
    const env = { ...compileCache, PATH: searchPath, HOME: home, REINS_PORT: port, REINS_DURABILITY: 'interval' }
    const child = spawn(process.execPath, [await bundledBinary(), 'dev'], { env, cwd: folder })
    let out = ''
    for (const stream of [child.stdout, child.stderr]) stream.on('data', (chunk) => (out += chunk))
    try {
      const shows = (text: string) =>
        eventually(() => out.includes(text), { withinMs: 120_000, describe: () => `${text} in ${out}` })
      await shows(`No Reins answers at http://127.0.0.1:${port}: one is started here.`)
      await shows('The agent assistant that Reins made at its first start gives its name to the project.')
      await shows('Watching ')
      const ask = (query: string) =>
        fetch(`http://127.0.0.1:${port}/agents/assistant/a${query}`, {
          ...{ method: 'POST', headers: { 'content-type': 'application/json' }, body: '{"message":"say here"}' },
        })
      expect(await (await ask('')).json()).toMatchObject({ result: { text: 'here' } })
      expect((await ask('?who=eve')).ok).toBe(false)
      await shows('app: Error: nobody of that name')
      await shows('src/agents/assistant.ts:3:')
    } finally {
      const ended = once(child, 'exit')
      child.kill('SIGINT')
      await ended
    }
  }, 240_000)
})
