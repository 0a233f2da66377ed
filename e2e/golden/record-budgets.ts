// Records a golden journal of a budget that is used up, raised, and shared with a child: `node e2e/golden/record-budgets.ts <folder>`. As
// with record.ts: what is committed is never recorded anew.
import path from 'node:path'
import { startRecording } from './recording.ts'

const recording = await startRecording(path.resolve(process.argv[2] ?? 'libs/session/golden'))
const { ask, call, newSession, save, send, until } = recording

await call('PUT', '/agents/thrifty', {
  ...{ name: 'thrifty', model: 'scripted/assistant', system_prompt: 'You do what you are told.' },
  agents: [{ name: 'helper', description: 'Delegate work.', system_prompt: 'You help.', budget: { tokens: 9_000 } }],
  budget: { tokens: 20_000, tool_calls: 3 },
})
const session = await newSession('thrifty')
await ask(session, 'say hello')
await send(
  session,
  'call delegate {"agent": "helper", "instruction": "say done"} && then call delegate {"agent": "nobody"} & call delegate {"agent": "nobody"} & call delegate {"agent": "nobody"}',
)
await until(session, 'budget.reached')
await call('POST', `/sessions/${session}/budget`, { tool_calls: 9 })
await until(session, 'turn.completed', 2)
await save('budget', session)

await recording.close()
process.exit(0)
