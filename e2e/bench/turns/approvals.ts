// Turns with one call that a person has to approve, and approves at once: what the asking costs, beside the same turn without it.
import { type Spread, spread } from '../report/numbers.ts'
import { askingAgent, type Product } from '../product/product.ts'
import { toolMessage } from './turns.ts'

export interface ApprovedTurns {
  /** From the message to the end of the turn, as a viewer sees it who approves when the call is shown. */
  readonly turnMs: Spread
  /** The same turn of an agent that asks nobody. */
  readonly unaskedMs: Spread
  /** From the decision to the answer that it is in. */
  readonly decidedMs: Spread
}

const turnsOfSession = 20

export async function measureApprovals(product: Product, sessions: number): Promise<ApprovedTurns> {
  const { api, workspace } = product
  const common = { model: 'bench/assistant', system_prompt: 'You are measured.', max_tokens: 100_000 }
  const unaskedTools = { tools: [{ read_file: { workspace } }], max_tool_calls: 100, workspace_context: false }
  await api.putAgent({ name: 'bench-unasked', ...common, ...unaskedTools })
  const asked = { turns: [] as number[], decided: [] as number[] }
  const unasked = { turns: [] as number[], decided: [] as number[] }
  for (let round = 0; round <= sessions; round++)
    for (const [agent, all] of [[askingAgent, asked] as const, ['bench-unasked', unasked] as const]) {
      const one = await turnsOf(product, agent)
      if (round === 0) continue // until the code is compiled
      all.turns.push(...one.turns)
      all.decided.push(...one.decided)
    }
  return { turnMs: spread(asked.turns), unaskedMs: spread(unasked.turns), decidedMs: spread(asked.decided) }
}

/** In one session, one after another; each call that waits is approved in the moment in which it is shown. */
async function turnsOf({ api }: Product, agent: string): Promise<{ turns: number[]; decided: number[] }> {
  const { session } = await api.start(agent)
  const turns: number[] = []
  const decided: number[] = []
  let ended = Promise.withResolvers<void>()
  const approve = async (data: string): Promise<void> => {
    const from = performance.now()
    const { call } = (JSON.parse(data) as { data: { call: string } }).data
    await api.post(`/v1/sessions/${session.id}/approvals/${call}`, { verdict: 'approved' })
    decided.push(performance.now() - from)
  }
  const stream = await api.follow(
    session.id,
    ({ type, data }) => {
      if (type === 'approval.requested') approve(data).catch((error: Error) => ended.reject(error))
      if (type === 'turn.completed') ended.resolve()
      if (type === 'turn.failed') ended.reject(new Error(`the turn failed: ${data}`))
    },
    () => ended.reject(new Error('the stream broke')),
  )
  try {
    for (let turn = 0; turn < turnsOfSession; turn++) {
      ended = Promise.withResolvers<void>()
      const from = performance.now()
      await api.post(`/v1/sessions/${session.id}/messages`, { content: toolMessage })
      await ended.promise
      turns.push(performance.now() - from)
    }
  } finally {
    ended.promise.catch(() => undefined)
    stream.close()
  }
  return { turns, decided }
}
