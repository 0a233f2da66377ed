// Records golden journals of the next build (../evolution/newer-build.ts): `node e2e/golden/record-newer.ts <folder>`. One holds an event
// of a type that this build does not know, one a field that it does not know. A child of the newer build records the frames; the state
// is what this build folds them to.
import { spawnSync } from 'node:child_process'
import { readFileSync } from 'node:fs'
import path from 'node:path'
import { fileURLToPath } from 'node:url'
import type { Golden } from '../../libs/session/test/golden.ts'
import { startRecording, write } from './recording.ts'

const target = path.resolve(process.argv[2] ?? 'libs/session/golden')
const names = { unknownField: 'newer-field', unknownType: 'newer-event' }

if (process.argv[3] === 'as-newer') await record()
else {
  const newer = fileURLToPath(new URL('../evolution/newer-build.ts', import.meta.url))
  const self = fileURLToPath(import.meta.url)
  const { status } = spawnSync(process.execPath, ['--import', newer, self, target, 'as-newer'], { stdio: 'inherit' })
  if (status !== 0) throw new Error(`the newer build recorded nothing: it ended with ${status}`)
  for (const name of Object.values(names)) {
    const golden = JSON.parse(readFileSync(path.join(target, `${name}.golden.json`), 'utf8')) as Golden
    write(target, name, golden.id, golden.frames)
  }
}
process.exit(0)

async function record(): Promise<void> {
  const { call, newSession, ask, save, close } = await startRecording(target)
  await call('PUT', '/agents/marker', {
    name: 'marker',
    model: 'scripted/assistant',
    system_prompt: 'You do what you are told.',
    tools: ['system_tools'],
  })
  const plain = await newSession()
  await ask(plain, '!shell echo hello')
  await save(names.unknownField, plain)
  const marked = await newSession('marker')
  await ask(marked, '!shell echo hello')
  await save(names.unknownType, marked)
  await close()
}
