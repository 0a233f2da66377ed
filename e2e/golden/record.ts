// Records golden journals from the real product: `node e2e/golden/record.ts <folder>`. A file that is committed is never recorded anew:
// old journals must keep folding to the same state (a change of the fold's meaning is a new fold version, with new files beside these).
import path from 'node:path'
import { startRecording } from './recording.ts'

const recording = await startRecording(path.resolve(process.argv[2] ?? 'libs/session/golden'))
const { ask, call, newSession, save, send, until } = recording

const plain = await newSession()
await ask(plain, 'say hello')
await ask(plain, 'think first of all | then this')
await save('plain-turns', plain)

const tools = await newSession()
await ask(tools, 'write notes.txt: one two three && then read notes.txt && then !shell cat notes.txt')
await ask(tools, 'read notes.txt & list . & !shell echo hi')
await ask(tools, 'read no-such-file')
await save('tools', tools)

const cancelled = await newSession()
await send(cancelled, 'hang')
await until(cancelled, 'model-call.started')
await send(cancelled, 'say queued')
await call('POST', `/sessions/${cancelled}/cancel`)
await until(cancelled, 'turn.cancelled')
await ask(cancelled, 'say after')
await save('cancelled', cancelled)

const interrupted = await newSession()
await send(interrupted, 'hang')
await until(interrupted, 'model-call.started')
await send(interrupted, 'say instead', 'interrupt')
await until(interrupted, 'turn.completed')
await save('interrupted', interrupted)

const joined = await newSession()
await send(joined, '!shell sleep 0.5')
await until(joined, 'tool-call.started')
await send(joined, 'say joined', 'join')
await until(joined, 'turn.completed')
await save('joined', joined)

const paused = await newSession()
await send(paused, '!shell sleep 0.3')
await until(paused, 'tool-call.started')
await call('POST', `/sessions/${paused}/pause`)
await until(paused, 'tool-call.completed')
await call('POST', `/sessions/${paused}/resume`)
await until(paused, 'turn.completed')
await call('POST', `/sessions/${paused}/end`)
await until(paused, 'session.ended')
await save('paused-and-ended', paused)

const failing = await newSession()
await send(failing, 'fail overloaded once')
await until(failing, 'turn.completed')
await ask(failing, 'fail auth')
await save('throttled-and-failed', failing)

await call('PUT', '/agents/keeper', {
  ...{ name: 'keeper', model: 'scripted/assistant', system_prompt: 'You remember.' },
  long_term_memory: {},
})
const remembering = await newSession('keeper')
await ask(remembering, 'call store_memory {"key": "language", "value": "TypeScript"}')
await ask(remembering, 'call recall_memory {"key": "language"}')
await save('memory', remembering)

await call('PUT', '/agents/counter', {
  ...{ name: 'counter', model: 'scripted/assistant', system_prompt: 'You count.', output_retries: 1 },
  output_schema: { type: 'object', properties: { total: { type: 'integer' } }, required: ['total'] },
})
const counting = await newSession('counter')
await ask(counting, 'say {"total": "three"} && when refused say {"total": 3}')
await ask(counting, 'say three')
await save('structured-results', counting)

await call('PUT', '/agents/guest', {
  ...{ name: 'guest', model: 'scripted/assistant', system_prompt: 'You work here.', tools: ['system_tools'] },
  workspace_context: true,
})
const host = await newSession('guest')
await ask(
  host,
  'write AGENTS.md: Use tabs. && then !shell mkdir -p .agents/skills/pdf && then write .agents/skills/pdf/SKILL.md: ---\nname: pdf\ndescription: Fills forms.\n---\nFill it.',
)
const guest = await newSession('guest')
await ask(guest, 'call use_skill {"name": "pdf"} && then read AGENTS.md')
await save('workspace', guest)

await recording.close()
process.exit(0)
