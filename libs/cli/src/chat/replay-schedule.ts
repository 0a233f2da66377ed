// The events of a session as they were seen: what to show, and how long to wait before. Pure.
//   P1. The tokens of an answer are spread over the time between its call's start and end; they were not kept one by one.
//   P2. While the session was at rest it waited for a person: such a pause is shortened.
import type { ApiEvent, AssistantBlock, StreamItem } from '@reins/contracts'
import { knownEvent } from '@reins/transcript'

export interface ReplayStep {
  /** ms of the spectator's time */
  readonly waitMs: number
  /** Time in the session, epoch ms. */
  readonly at: number
  readonly item: StreamItem
}

const longestRestMs = 1500
/** Finer than this nobody sees it. */
const shortestStepMs = 15

export function replaySchedule(events: readonly ApiEvent[], options: { readonly speed: number }): ReplayStep[] {
  const steps: ReplayStep[] = []
  let before: number | undefined
  let inTurn = false
  for (const event of events) {
    const gap = Math.max(0, event.at - (before ?? event.at))
    const wait = (inTurn ? gap : Math.min(gap, longestRestMs)) / options.speed
    const from = before ?? event.at
    before = Math.max(from, event.at)
    const deltas = inTurn ? answerDeltas(event, Math.max(1, Math.floor(wait / shortestStepMs))) : []
    const share = wait / (deltas.length + 1)
    for (const [index, item] of deltas.entries())
      steps.push({ waitMs: share, at: from + (gap * (index + 1)) / (deltas.length + 1), item })
    steps.push({ waitMs: share, at: event.at, item: event })
    if (event.type === 'turn.started') inTurn = true
    else if (/^turn\.(completed|failed|cancelled)$/.test(event.type)) inTurn = false
  }
  return steps
}

/** The text of a model call, or what was said of it when it was lost, in at most `most` pieces, cut between words. */
function answerDeltas(event: ApiEvent, most: number): StreamItem[] {
  const known = knownEvent(event)
  if (known?.type !== 'model-call.completed' && known?.type !== 'model-call.failed') return []
  const { call, attempt } = known.data
  const content: readonly AssistantBlock[] =
    'content' in known.data ? known.data.content : [{ type: 'text', text: known.data.partial ?? '' }]
  const words = content.flatMap((block, index) => {
    if (block.type === 'tool-call') return []
    let offset = 0
    return (block.text.match(/\s*\S+|\s+$/g) ?? []).map((text) => {
      const word = { block: index, kind: block.type, offset, text }
      offset += text.length
      return word
    })
  })
  const size = Math.ceil(words.length / most)
  const deltas: StreamItem[] = []
  for (let at = 0; at < words.length; ) {
    const first = words[at]!
    let text = ''
    let taken = 0
    while (taken < size && words[at]?.block === first.block) {
      text += words[at]?.text ?? ''
      at++
      taken++
    }
    const data = { call, attempt, block: first.block, kind: first.kind, offset: first.offset, text }
    deltas.push({ type: 'delta', cursor: event.cursor, data })
  }
  return deltas
}
