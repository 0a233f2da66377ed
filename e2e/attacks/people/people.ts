// People who decide about calls, and answer servers, without leave any more, at the wrong time, about what is over, or two at two gateways.
//   PE1. `got through` is what ran, or what a server was told, and what was taken though it may not be: an answer below 400.
import { existsSync } from 'node:fs'
import path from 'node:path'
import { eventually } from '../../harness/eventually.ts'
import type { World } from '../../harness/world.ts'
import type { Tally } from '../tally.ts'

interface Answer {
  readonly status: number
  readonly body: Readonly<Record<string, unknown>>
}

/** What is asked of a gateway with a token. `gateway`: its place. */
async function ask(
  world: World,
  token: string,
  method: string,
  target: string,
  body?: object,
  gateway = 0,
): Promise<Answer> {
  const response = await fetch(`${world.api.url(gateway)}${target}`, {
    method,
    headers: { authorization: `Bearer ${token}`, ...(body ? { 'content-type': 'application/json' } : {}) },
    ...(body ? { body: JSON.stringify(body) } : {}),
    signal: AbortSignal.timeout(60_000),
  })
  const text = await response.text()
  return { status: response.status, body: text === '' ? {} : JSON.parse(text) }
}

async function person(world: World, name: string, permissions: readonly string[]): Promise<string> {
  await ask(world, world.token, 'POST', '/v1/principals', { name, permissions })
  const { body } = await ask(world, world.token, 'POST', '/v1/tokens', { principal: name })
  if (typeof body.text !== 'string') throw new Error(`no token for ${name}: ${JSON.stringify(body)}`)
  return body.text
}

const statusOf = async (world: World, session: string) =>
  String((await ask(world, world.token, 'GET', `/v1/sessions/${session}`)).body.status)
const is = (world: World, session: string, status: string) =>
  eventually(async () => (await statusOf(world, session)) === status, { withinMs: 90_000 })
const taken = ({ status }: Answer): boolean => status < 400

/** A session with a command that waits for a person, and the file that the command would make. */
async function waits(world: World, agent: string, mark: string) {
  const { session } = await world.api.create(agent, `!shell touch ${mark}`)
  await is(world, session.id, 'waiting')
  const events = (await world.readLog(session.id)).flatMap(({ frame }) => frame.events)
  const asked = events.find((event) => event.type === 'approval.requested')
  if (asked?.type !== 'approval.requested') throw new Error('nothing waits')
  const ran = () => existsSync(path.join(world.workspace, mark))
  return {
    session: session.id,
    call: asked.data.call,
    ran,
    door: `/v1/sessions/${session.id}/approvals/${asked.data.call}`,
  }
}

/** `careful`: a person has to approve its commands; `hasty`: within a second. Two gateways run. */
export async function tryDeciding(world: World, tally: Tally): Promise<void> {
  const who = 'somebody who decides'
  const note = (what: string, through: boolean) => tally.note(who, what, through ? 'got through' : 'refused')
  const approve = { verdict: 'approve' }
  const reads = ['session:careful:*', 'agent:careful:read']
  const right = 'approval:careful:shell'
  const [former, other, reader, banned] = await Promise.all([
    person(world, 'former', [...reads, right]),
    person(world, 'other', [...reads, 'approval:careful:read_file', 'approval:helper:shell']),
    person(world, 'reader', [...reads, 'agent:careful:start', 'workflow:agents:agent_chat:*']),
    person(world, 'banned', [...reads, right]),
  ])
  await ask(world, world.token, 'POST', '/v1/principals/former/revoke', { permissions: [right] })
  await ask(world, world.token, 'POST', '/v1/principals/banned/ban', {})
  const one = await waits(world, 'careful', 'decided-without')
  // The other gateway hears of a change a moment later.
  for (const gateway of [0, 1])
    for (const [what, token] of [
      ['decide with a token that may no more', former],
      ['decide about a tool that is not theirs', other],
      ['decide, and may only read and start', reader],
      ['decide though banned', banned],
    ] as const)
      note(
        `${what}, at gateway ${gateway}`,
        !(await eventually(
          async () => !taken(await ask(world, token, 'POST', one.door, { verdict: 'deny', reason: 'x' }, gateway)),
          {
            withinMs: 5000,
          },
        ).catch(() => false)),
      )
  // In the fork nothing waits, and what is decided about there is nobody's.
  const forked = await ask(world, reader, 'POST', `/v1/sessions/${one.session}/fork`, {})
  const fork = (forked.body.session as { id: string } | undefined)?.id ?? 'none'
  note(
    'decide about the call in a fork',
    taken(await ask(world, world.token, 'POST', one.door.replace(one.session, fork), approve)),
  )
  await world.api.control(one.session, 'cancel')
  await is(world, one.session, 'idle')
  note('approve after a cancel', taken(await ask(world, world.token, 'POST', one.door, approve)))
  await world.api.control(one.session, 'end')
  note('approve after the end', taken(await ask(world, world.token, 'POST', one.door, approve)))
  note('have run what nobody has approved', one.ran())
  // A grant of a session is not that of its fork.
  const granted = await waits(world, 'careful', 'granted')
  await ask(world, world.token, 'POST', granted.door, { ...approve, scope: 'tool' })
  await is(world, granted.session, 'idle')
  const heir = await ask(world, world.token, 'POST', `/v1/sessions/${granted.session}/fork`, {
    message: '!shell touch inherited',
  })
  await is(world, (heir.body.session as { id: string }).id, 'waiting')
  note('inherit a grant by a fork', existsSync(path.join(world.workspace, 'inherited')))
  const hasty = await waits(world, 'hasty', 'late')
  await is(world, hasty.session, 'idle')
  note(
    'approve after the time is over',
    taken(await ask(world, world.token, 'POST', hasty.door, approve)) || hasty.ran(),
  )
  for (let race = 0; race < 5; race++) {
    const { door, ran, session } = await waits(world, 'careful', `raced-${race}`)
    const answers = await Promise.all(
      [0, 1, 0, 1].map((gateway, at) =>
        ask(world, world.token, 'POST', door, at % 3 === 0 ? approve : { verdict: 'deny', reason: 'no' }, gateway),
      ),
    )
    await is(world, session, 'idle')
    const approved = answers.some((answer, at) => answer.status === 202 && at % 3 === 0)
    const denied = answers.some((answer, at) => answer.status === 202 && at % 3 !== 0)
    note('decide both ways at two gateways', (approved && denied) || ran() !== approved)
  }
}

/** `asked`: an agent with a server that asks people. `form`, `page`: what its model says to have it ask. */
export async function tryAnswering(
  world: World,
  agent: string,
  say: { readonly form: string },
  tally: Tally,
): Promise<void> {
  const who = 'somebody who answers a server'
  const note = (what: string, through: boolean) => tally.note(who, what, through ? 'got through' : 'refused')
  const begin = async () => {
    const { session } = await world.api.create(agent, say.form)
    const question = await eventually(async () => {
      const { body } = await ask(world, world.token, 'GET', `/v1/sessions/${session.id}/elicitations`)
      return (body.elicitations as readonly { elicitation_id: string }[] | undefined)?.[0]
    })
    return { session: session.id, door: `/v1/sessions/${session.id}/elicitations/${question.elicitation_id}` }
  }
  const [mine, another] = [await begin(), await begin()]
  const right = { action: 'accept', content: { name: 'Ada' } }
  const reader = await person(world, 'reading', [`session:${agent}:read`, 'approval:other:*'])
  const tried: readonly (readonly [string, object, string?, string?])[] = [
    ['a field of a wrong type', { action: 'accept', content: { name: 7 } }],
    ['a field that the form has not', { ...right, content: { name: 'Ada', extra: 'x' } }],
    ['a field that is a list of objects', { ...right, content: { name: [{ a: 1 }] } }],
    ['a text of 100,000 characters', { ...right, content: { name: 'x'.repeat(100_000) } }],
    ['a form that is a list', { action: 'accept', content: [] }],
    ['__proto__', JSON.parse('{"action": "accept", "content": {"name": "Ada", "__proto__": {"x": "y"}}}')],
    ['nothing of what is required', { action: 'accept', content: {} }],
    ['a form with a no', { action: 'decline', content: { name: 'Ada' } }],
    ['an action that there is not', { action: 'approve' }],
    ['a page that is done', { action: 'decline', completed: true }],
    ['the name of another question', { ...right, elicitation_id: 'other' }],
    ['at the door of another session', right, mine.door.replace(mine.session, another.session)],
    ['by somebody who may only read', right, mine.door, reader],
    ['by nobody', right, mine.door, 'reins_nobody'],
  ]
  for (const [what, body, door = mine.door, token = world.token] of tried)
    note(`answer with ${what}`, taken(await ask(world, token, 'POST', door, body)))
  note('have the call go on', (await statusOf(world, mine.session)) !== 'waiting')
  const both = await Promise.all(
    [0, 1, 0, 1].map((gateway, at) =>
      ask(
        world,
        world.token,
        'POST',
        another.door,
        at % 2 === 0 ? { action: 'decline' } : { action: 'cancel' },
        gateway,
      ),
    ),
  )
  const kinds = new Set(both.flatMap(({ status }, at) => (status === 202 ? [at % 2] : [])))
  note('answer in two ways at two gateways', kinds.size > 1)
  await is(world, another.session, 'idle')
  note('answer when the call is over', taken(await ask(world, world.token, 'POST', another.door, right)))
  await world.api.control(mine.session, 'cancel')
  await is(world, mine.session, 'idle')
  note('answer after a cancel', taken(await ask(world, world.token, 'POST', mine.door, right)))
}
