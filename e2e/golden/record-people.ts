// Records golden journals of calls that wait for approval, and of grants: `node e2e/golden/record-people.ts <folder>`. As with
// record.ts: what is committed is never recorded anew.
import path from 'node:path'
import { setTimeout as pause } from 'node:timers/promises'
import { startRecording } from './recording.ts'

const recording = await startRecording(path.resolve(process.argv[2] ?? 'libs/session/golden'))
const { ask, call, newSession, save, send, until } = recording
const base = { model: 'scripted/assistant', system_prompt: 'You do what you are told.' }
const closing = /^approval\.(decided|granted|expired|withdrawn)$/

/** The call of a session that waits for approval, as its log has it. */
async function waiting(session: string): Promise<string> {
  for (;;) {
    const { events } = (await call('GET', `/sessions/${session}/events?limit=1000`)) as unknown as {
      readonly events: readonly { readonly type: string; readonly data: { readonly call: string } }[]
    }
    const closed = events.filter(({ type }) => closing.test(type)).map(({ data }) => data.call)
    const open = events.find(({ type, data }) => type === 'approval.requested' && !closed.includes(data.call))
    if (open) return open.data.call
    await pause(50)
  }
}

async function decide(session: string, body: object): Promise<void> {
  await call('POST', `/sessions/${session}/approvals/${await waiting(session)}`, body)
}

async function settled(session: string, turns: number): Promise<void> {
  await until(session, 'turn.completed', turns)
}

await call('PUT', '/agents/careful', {
  ...{ ...base, name: 'careful', approvals: { expires: '1h' } },
  tools: [{ shell: { approval: 'always' } }, 'write_file', 'read_file'],
})

const approved = await newSession('careful')
await send(approved, '!shell echo one')
await decide(approved, { verdict: 'approved' })
await settled(approved, 1)
await send(approved, '!shell echo two')
await decide(approved, { verdict: 'edited', args: { command: 'echo three' } })
await settled(approved, 2)
await send(approved, '!shell echo four & read no-such-file')
await decide(approved, { verdict: 'denied', reason: 'Not today.' })
await settled(approved, 3)
await save('approvals', approved)

const granted = await newSession('careful')
await send(granted, '!shell echo one')
await decide(granted, { verdict: 'approved', scope: 'target' })
await settled(granted, 1)
await ask(granted, '!shell echo one')
await call('DELETE', `/sessions/${granted}/grants`)
await send(granted, '!shell echo one')
await waiting(granted)
await call('POST', `/sessions/${granted}/cancel`)
await until(granted, 'turn.cancelled')
await save('grants', granted)

await call('PUT', '/agents/hurried', {
  ...{ ...base, name: 'hurried', approvals: { expires: '1s' } },
  tools: [{ shell: { approval: 'must' } }],
})
const expired = await newSession('hurried')
await ask(expired, '!shell echo one')
await save('approval-expired', expired)

await recording.close()
process.exit(0)
