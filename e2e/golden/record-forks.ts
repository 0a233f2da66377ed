// Records the golden journal of a fork: `node e2e/golden/record-forks.ts <folder>`. What it has from another session stands before its own
// frames, with the sequences of that one.
import path from 'node:path'
import { startRecording } from './recording.ts'

const recording = await startRecording(path.resolve(process.argv[2] ?? 'libs/session/golden'))
const { ask, call, newSession, save, send, until } = recording

const source = await newSession()
await ask(source, 'write notes.txt: one && then read notes.txt')
await send(source, '!shell sleep 3; echo done')
await until(source, 'tool-calls.requested', 3)
await send(source, 'say queued')
const { session } = await call('POST', `/sessions/${source}/fork`, { title: 'A fork' })
await ask(session.id, 'say on')
await save('forked', session.id, source)
await recording.close()
