// How far each answer and output has been seen. A cursor names one place inside one answer; where several are being made at once,
// the others come again from their beginning after a reconnect: what was seen of them is cut off here.
import type { ApiDelta, StreamItem } from '@reins/contracts'

export class SeenDeltas {
  readonly #ends = new Map<string, number>()

  /** The item as it is new to the reader; undefined where nothing of it is. */
  fresh(item: StreamItem): StreamItem | undefined {
    if (isDelta(item)) return this.#freshDelta(item)
    // A hint about a call neither begins nor ends it.
    if (item.type === 'tool.slow') return item
    const call = callOf(item.data)
    if (call !== undefined) this.#forget(`${item.session ?? ''}/${call}/`)
    return item
  }

  #freshDelta(item: ApiDelta): ApiDelta | undefined {
    const { call, attempt, block, offset, text } = item.data
    const key = `${item.session ?? ''}/${call}/${attempt}/${block}`
    const seen = this.#ends.get(key) ?? 0
    const end = offset + text.length
    if (end <= seen) return undefined
    this.#ends.set(key, end)
    return offset >= seen ? item : { ...item, data: { ...item.data, offset: seen, text: text.slice(seen - offset) } }
  }

  /** An event of a call begins or ends it: its deltas are over, or begin anew. */
  #forget(prefix: string): void {
    for (const key of this.#ends.keys()) if (key.startsWith(prefix)) this.#ends.delete(key)
  }
}

const isDelta = (item: StreamItem): item is ApiDelta => item.type === 'delta'

function callOf(data: unknown): string | undefined {
  const call = typeof data === 'object' && data !== null ? (data as { call?: unknown }).call : undefined
  return typeof call === 'string' ? call : undefined
}
