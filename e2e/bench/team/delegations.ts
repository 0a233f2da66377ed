// Delegation: a parent asks, its child answers, the parent goes on. One at a time, sixteen in one answer, and a tree of 85 sessions.
import type { EventPage, SessionEvent, SubAgentEntry } from '@reins/contracts'
import { type Product, plainAgent } from '../product/product.ts'
import { type Spread, spread } from '../report/numbers.ts'

export interface Delegations {
  /** ms, from the message of a person until the parent's answer is here. */
  readonly wholeMs: Spread
  /** ms, from the parent's answer that asks for it until its next one: as the frames of the parent say it, in whole ms. */
  readonly roundTripMs: Spread
  /** ms, of a plain turn in the same minute. */
  readonly plainMs: Spread
  readonly fanOutMs: Spread
  /** ms of a tree of depth 3 and width 4, and its sessions. */
  readonly treeMs: Spread
  readonly treeSessions: number
}

const answer = 'say one two three four five six seven eight nine ten'
const lead = 'bench-lead'
export const fanOut = 16
const [depth, width] = [3, 4]

/** The scripted model parts its calls at ` & `: one inside of an instruction is written in another way. */
export const delegated = (agent: string, instruction: string): string =>
  `call delegate ${JSON.stringify({ agent, instruction }).replaceAll('&', '\\u0026')}`

export const several = (count: number, one: string): string => Array.from({ length: count }, () => one).join(' & ')

/** What the agent at this level is told, so that there are as many levels below the root as `depth` says. */
const treeOf = (level = 1): string =>
  level > depth ? answer : several(width, delegated(`level-${level}`, treeOf(level + 1)))

const below = (level: number): SubAgentEntry => ({
  ...{ name: `level-${level}`, description: 'Delegate a part.', system_prompt: 'You are measured.' },
  ...(level < depth ? { agents: [below(level + 1)] } : {}),
})

export async function measureDelegations({ api }: Product, times: number): Promise<Delegations> {
  await api.putAgent({
    ...{ name: lead, model: 'bench/assistant', system_prompt: 'You are measured.', max_tokens: 100_000 },
    ...{ max_tool_calls: 1_000, delegation: { max_per_turn: 500 } },
    agents: [below(1)],
  })
  let session = ''
  const timed = async (agent: string, message: string, count: number): Promise<Spread> => {
    const samples: number[] = []
    session = await api.begin(agent, message)
    for (let at = 0; at < count; at++) {
      const from = performance.now()
      await api.turn(session, message)
      samples.push(performance.now() - from)
    }
    return spread(samples)
  }
  const one = delegated('level-1', answer)
  const trees = Math.max(2, Math.floor(times / 5))
  const plainMs = await timed(plainAgent, answer, times * 5)
  const wholeMs = await timed(lead, one, times * 5)
  const measured = {
    ...{ plainMs, wholeMs, roundTripMs: spread(await roundTrips(api, session)) },
    fanOutMs: await timed(lead, several(fanOut, one), times),
    treeMs: await timed(lead, treeOf(), trees),
  }
  // The root of the last tree has begun one before the first that counts.
  return { ...measured, treeSessions: 1 + (await sessionsBelow(api, session)) / (trees + 1) }
}

async function roundTrips(api: Product['api'], session: string): Promise<readonly number[]> {
  const found: number[] = []
  let asked: number | undefined
  for (let page = await eventsOf(api, session, ''); ; page = await eventsOf(api, session, `&after=${page.cursor}`)) {
    for (const { type, at } of page.events) {
      if (type === 'turn.started') asked = undefined
      else if (type === 'model-call.completed') asked ??= at
      else if (type === 'turn.completed' && asked !== undefined) found.push(at - asked)
    }
    if (!page.more) return found
  }
}

const eventsOf = (api: Product['api'], session: string, behind: string): Promise<EventPage> =>
  api.get(`/v1/sessions/${session}/events?limit=1000${behind}`) as Promise<EventPage>

/** As the delegations of this session say it, which tell how many sessions each has used. */
async function sessionsBelow(api: Product['api'], session: string): Promise<number> {
  const { events } = await eventsOf(api, session, '')
  return events.reduce((sum, event) => {
    const { type, data } = event as SessionEvent
    return type === 'delegation.settled' && data.status === 'completed' ? sum + 1 + (data.sessions ?? 0) : sum
  }, 0)
}
