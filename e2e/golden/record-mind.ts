// Records golden journals of plans, skills, compactions and teams: `node e2e/golden/record-mind.ts <folder>`. As with record.ts: what is
// committed is never recorded anew.
import path from 'node:path'
import { startRecording } from './recording.ts'

const recording = await startRecording(path.resolve(process.argv[2] ?? 'libs/session/golden'))
const { ask, call, newSession, save, send, until } = recording
const base = { model: 'scripted/assistant', system_prompt: 'You do what you are told.' }
const delegate = (args: object): string => `call delegate ${JSON.stringify(args)}`

interface Events {
  readonly events: readonly { readonly type: string; readonly data: Readonly<Record<string, string>> }[]
}

/** The first value of this field that an event of the type has. */
async function said(session: string, type: string, field: string): Promise<string> {
  await until(session, type)
  const { events } = (await call('GET', `/sessions/${session}/events?limit=1000`)) as unknown as Events
  return events.find((event) => event.type === type)?.data[field] ?? ''
}

const steps = [
  { name: 'look', description: 'Look.' },
  { name: 'tell', description: 'Tell.', depends_on: ['look'] },
]

await call('PUT', '/agents/planner', { ...base, name: 'planner', planning: true, strict_dependencies: true })
const planned = await newSession('planner')
await ask(planned, `call create_plan ${JSON.stringify({ steps })} && then call start_step {"step_name": "look"}`)
await ask(
  planned,
  'call start_step {"step_name": "tell"} & call mark_step_done {"step_name": "look", "result": "seen"}',
)
await ask(
  planned,
  'call start_step {"step_name": "tell"} & call mark_step_failed {"step_name": "tell", "reason": "no"}',
)
await save('planning', planned)

await call('PUT', '/agents/approved-planner', { ...base, name: 'approved-planner', planning: true, approve_plan: true })
const approved = await newSession('approved-planner')
await send(approved, `call create_plan ${JSON.stringify({ steps })}`)
const waits = await said(approved, 'approval.requested', 'call')
await call('POST', `/sessions/${approved}/approvals/${waits}`, { verdict: 'approved' })
await until(approved, 'turn.completed')
await save('plan-approved', approved)

const skill = '---\nname: notes\ndescription: Writes notes.\nallowed-tools: read_file\n---\nOne line each.\n'
const bundle = { format: 'reins-skills/1', skills: { notes: { 'SKILL.md': { text: skill } } } }
await call('PUT', '/agents/skilled', {
  definition: { ...base, name: 'skilled', tools: ['files'], skills_dir: './skills' },
  files: [{ file: './skills', text: JSON.stringify(bundle) }],
})
const skilled = await newSession('skilled')
await ask(skilled, 'call use_skill {"name": "notes"} && then write a.txt: not allowed && then read no-such-file')
await ask(skilled, 'write a.txt: allowed again')
await save('skills', skilled)

const long = `${'a word of it. '.repeat(300)}\n!say ok`
await call('PUT', '/agents/short', {
  ...{ ...base, name: 'short', planning: true, max_tokens: 300 },
  context: { window: 4_000, compact_at: 0.5 },
})
const compacted = await newSession('short')
await ask(compacted, `call create_plan ${JSON.stringify({ steps })}`)
await ask(compacted, long)
await ask(compacted, long)
await ask(compacted, 'call mark_step_done {"step_name": "look", "result": "seen"}')
await call('POST', `/sessions/${compacted}/compact`)
await until(compacted, 'context.compacted', 3)
await call('POST', `/sessions/${compacted}/restore`)
await ask(compacted, 'say and on')
await save('compacted', compacted)

const leaf = { name: 'leaf', description: 'Delegate the smallest part.', system_prompt: 'You do it.' }
await call('PUT', '/agents/lead', {
  ...{ ...base, name: 'lead' },
  agents: [
    { name: 'middle', description: 'Delegate what has parts.', system_prompt: 'You do it.', agents: [leaf] },
    {
      ...{ name: 'careful', description: 'Delegate what a person must see.', system_prompt: 'You do it.' },
      ...{ tools: [{ shell: { approval: 'always' } }], on_pause: 'return' },
    },
  ],
})
const lead = await newSession('lead')
await ask(lead, delegate({ agent: 'middle', instruction: delegate({ agent: 'leaf', instruction: 'say deep' }) }))
await ask(lead, delegate({ agent: 'careful', instruction: '!shell echo seen' }))
const careful = await said(lead, 'delegation.paused', 'child')
const asked = await said(careful, 'approval.requested', 'call')
await call('POST', `/sessions/${careful}/approvals/${asked}`, { verdict: 'approved' })
await ask(lead, delegate({ agent: 'careful', instruction: 'Go on.', execution_id: careful }))
await send(lead, delegate({ agent: 'middle', instruction: 'hang' }))
await until(lead, 'delegation.requested', 3)
await call('POST', `/sessions/${lead}/cancel`)
await until(lead, 'turn.cancelled')
await save('team-lead', lead)
await save('team-middle', await said(lead, 'delegation.requested', 'child'))
await save('team-careful', careful)

await recording.close()
process.exit(0)
