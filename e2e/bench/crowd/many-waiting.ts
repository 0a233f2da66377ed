// Many more sessions that wait for a person than any process keeps in mind: what is left of them is their frames.
//   - The first ones come to wait by turns of the product, and leave its caches, which are small here.
//   - The others are copies of one of them (copied-sessions.ts): nobody has ever read them until they are decided.
import { copySession } from '../product/copied-sessions.ts'
import { type Memory, memoryProbe } from '../product/memory.ts'
import { many } from '../product/many.ts'
import type { Product, ProductOptions } from '../product/product.ts'
import { type Spread, spread } from '../report/numbers.ts'
import { untilListed } from './sessions-at-rest.ts'
import { approveAll, askPerson, kbEach } from './waiting.ts'

export interface ManyWaiting {
  readonly sessions: number
  /** Of them came to wait by turns. */
  readonly byTurns: number
  /** KB a session, of all of them together. */
  readonly memoryKb: Memory
  /** MB before the first and behind the last of them. */
  readonly before: Memory
  readonly after: Memory
  /** ms from the decision to the end of the turn, of a hundred of them at once: all were read from the log. */
  readonly goOnMs: Spread
}

const atOnce = 24
/** More than the caches hold: what they hold is full before anything is measured. */
const tried = 400

export async function measureManyWaiting(
  open: (options: ProductOptions) => Promise<Product>,
  sessions: number,
  byTurns: number,
  say: (line: string) => void,
): Promise<ManyWaiting> {
  const product = await open({ inspect: true, settings: { REINS_SESSION_CACHE_MB: '1' } })
  const { api } = product
  const probe = await memoryProbe(product)
  try {
    const ask = (): ReturnType<typeof askPerson> => askPerson(api)
    await approveAll(api, await many(tried, atOnce, ask))
    const before = await probe.read()
    const asked = await many(byTurns, atOnce, ask)
    const [template] = asked
    if (!template) throw new Error('no session asked anybody')
    const copies = await copySession(product, template.session, sessions - byTurns, say)
    await untilListed(api, sessions)
    const after = await probe.read()
    const each = Math.max(1, Math.floor(copies.length / 50))
    const chosen = [
      ...asked.slice(1, 51),
      ...copies.filter((_, at) => at % each === 0).map((session) => ({ session, call: template.call })),
    ]
    const ms = await approveAll(api, chosen)
    return {
      ...{ sessions, byTurns, before, after, goOnMs: spread(ms) },
      memoryKb: kbEach(before, after, sessions),
    }
  } finally {
    probe.close()
    await product.close()
  }
}
