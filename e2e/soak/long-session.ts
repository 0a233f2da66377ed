// One session of very many turns, whose context is compacted again and again: turn time, memory of the executor and the size of what its
// model is sent stay flat, and what the plan promised at the beginning is there at the end.
import type { EventPage, SessionEvent } from '@reins/contracts'
import type { Product } from '../bench/product/product.ts'
import { median, round } from '../bench/report/numbers.ts'

export interface LongSoak {
  readonly turns: number
  readonly compactions: number
  /** ms, medians of a tenth of the turns: the second one and the last one. */
  readonly early: number
  readonly late: number
  /** Tokens that requests of these turns had, at most. */
  readonly promptEarly: number
  readonly promptLate: number
  /** MB of heap after a collection, of the process that executes. */
  readonly heapEarly: number
  readonly heapLate: number
  /** Statuses of the plan's steps at the end. */
  readonly plan: readonly string[]
}

const agent = 'soak-long'
const window = 16_000
const steps = ['first', 'second', 'third'].map((name) => ({ name, description: `The ${name} step.` }))
const mayGrowBy = 1.3

export async function soakLongSession(
  { api, workspace }: Product,
  turns: number,
  heap: () => Promise<number>,
  say: (line: string) => void,
): Promise<LongSoak> {
  await api.putAgent({
    ...{ name: agent, model: 'bench/assistant', system_prompt: 'You are measured.', planning: true },
    ...{ max_tokens: 1_000, context: { window }, tools: [{ files: { workspace } }] },
  })
  const session = await api.begin(
    agent,
    `call create_plan ${JSON.stringify({ steps })} && then call mark_step_done {"step_name": "first", "result": "early"}`,
  )
  const tenth = Math.floor(turns / 10)
  const samples: number[] = []
  let heapEarly = 0
  for (let turn = 2; turn <= turns; turn++) {
    const from = performance.now()
    await api.turn(session, `read note.txt && then say ${'words of an answer '.repeat(20)}`)
    samples.push(performance.now() - from)
    if (turn % tenth !== 0) continue
    const held = await heap()
    if (turn === 2 * tenth) heapEarly = held
    say(`${turn} turns, ${round(median(samples.slice(-tenth)))} ms each, ${held} MB`)
  }
  await api.turn(session, 'call get_plan {}')
  const events = await eventsOf(api, session)
  const sent = events.flatMap((event) =>
    event.type === 'model-call.started' && event.data.prompt ? [event.data.prompt.tokens] : [],
  )
  const share = (from: number, to: number): readonly number[] =>
    sent.slice(Math.floor(sent.length * from), Math.floor(sent.length * to))
  const plan = events.flatMap((event) => (event.type === 'plan.updated' ? [event.data.steps] : [])).at(-1) ?? []
  return {
    turns,
    compactions: events.filter(({ type }) => type === 'context.compacted').length,
    early: round(median(samples.slice(tenth, 2 * tenth))),
    late: round(median(samples.slice(-tenth))),
    promptEarly: Math.max(...share(0.1, 0.2)),
    promptLate: Math.max(...share(0.9, 1)),
    ...{ heapEarly, heapLate: await heap() },
    plan: plan.map(({ status }) => status),
  }
}

/** What is not as it should be, as sentences. Empty: all is well. */
export function longProblems(soak: LongSoak): readonly string[] {
  const { turns, compactions, early, late, promptEarly, promptLate, heapEarly, heapLate, plan } = soak
  const grown = (what: string, before: number, after: number, slack: number): string[] =>
    after > before * mayGrowBy + slack ? [`${what} grew from ${before} to ${after}`] : []
  return [
    ...grown('the time of a turn (ms)', early, late, 2),
    ...grown('the largest request (tokens)', promptEarly, promptLate, 0),
    ...grown('the heap of the executor (MB)', heapEarly, heapLate, 24),
    ...(promptLate > window ? [`a request has ${promptLate} tokens, and the window ${window}`] : []),
    ...(compactions === 0 ? [`nothing was compacted in ${turns} turns`] : []),
    ...(plan.join() === 'completed,pending,pending' ? [] : [`the plan is ${plan.join() || 'gone'}`]),
  ]
}

async function eventsOf(api: Product['api'], session: string): Promise<readonly SessionEvent[]> {
  const events: SessionEvent[] = []
  for (let after = ''; ; ) {
    const page = (await api.get(`/v1/sessions/${session}/events?limit=1000${after}`)) as EventPage
    events.push(...page.events.map(({ type, data }) => ({ type, data }) as SessionEvent))
    if (!page.more) return events
    after = `&after=${encodeURIComponent(page.cursor)}`
  }
}
