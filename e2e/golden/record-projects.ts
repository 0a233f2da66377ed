// Records golden journals of agents that modules of projects make: `node e2e/golden/record-projects.ts <folder>`. As with record.ts: what
// is committed is never recorded anew.
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import path from 'node:path'
import { buildProject } from '@reins/project'
import { startRecording } from './recording.ts'

const { ask, call, close, save } = await startRecording(path.resolve(process.argv[2] ?? 'libs/session/golden'))

const clock = `
import { createAgent, defineTool, Type } from '@reins/agent'
const tool = (name: string) => defineTool({
  name, description: 'Ticks.', parameters: Type.Object({}), risk: 'read', execute: () => name,
})
let given = 0
export default createAgent(() => {
  given += 1
  return {
    model: 'scripted/assistant',
    instructions: 'This is time ' + given,
    tools: given > 2 ? [tool('tick'), tool('tock')] : [tool('tick')],
    compaction: given > 2 ? { keepRecentTokens: 20_000 } : {},
  }
})`

const folder = mkdtempSync(path.join(tmpdir(), 'reins-golden-project-'))
mkdirSync(path.join(folder, 'src/agents'), { recursive: true })
writeFileSync(path.join(folder, 'package.json'), '{ "name": "clock", "type": "module" }')
writeFileSync(path.join(folder, 'src/agents/clock.ts'), clock)
const built = await buildProject(folder)
rmSync(folder, { recursive: true })
if (built.kind !== 'built') throw new Error(JSON.stringify(built))
await call('PUT', '/projects/clock', { bundle: built.text })

const { session } = await call('POST', '/sessions', { agent: 'clock', instance: 'wall' })
await ask(session.id, 'call tick {}')
await ask(session.id, 'call tock {}')
await save('configured', session.id)
await close()
