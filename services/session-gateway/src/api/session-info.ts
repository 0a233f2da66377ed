// A session as people see it, folded from its frames: enough for one session without the index, so it works without Postgres.
import { addUsage, encodeCursor, type Frame, noUsage, type SessionInfo, startCursor } from '@reins/contracts'

/** `last`: where the folding stands, to go on from. */
export interface InfoFold {
  readonly last: { readonly seq: number; readonly n: number; readonly i: number }
  readonly info: SessionInfo
}

const titleLength = 80

export const emptyInfo = (id: string): InfoFold => ({
  last: { seq: 0, n: 0, i: -1 },
  info: {
    id,
    agent: '',
    digest: '',
    status: 'idle',
    turns: 0,
    usage: noUsage,
    createdAt: 0,
    lastActivityAt: 0,
    cursor: encodeCursor(startCursor(id)),
  },
})

export function foldInfo(fold: InfoFold, frame: Frame): InfoFold {
  if (frame.seq <= fold.last.seq) return fold
  const last = { seq: frame.seq, n: frame.n, i: frame.events.length - 1 }
  let info: SessionInfo = {
    ...fold.info,
    status: frame.status,
    createdAt: fold.info.createdAt || frame.at,
    lastActivityAt: Math.max(fold.info.lastActivityAt, frame.at),
    cursor: encodeCursor({ of: fold.info.id, tree: false, ...last }),
  }
  for (const event of frame.events) {
    switch (event.type) {
      case 'session.started': {
        const { agent, digest, model, instance, parent, title } = event.data
        info = {
          ...info,
          agent,
          digest,
          model,
          ...(instance ? { instance: instance.instance } : {}),
          ...(parent ? { parent: parent.session } : {}),
          ...(title === undefined ? {} : { title }),
        }
        break
      }
      case 'session.renamed':
        info = { ...info, title: event.data.title }
        break
      case 'message.received':
        if (info.title === undefined) info = { ...info, title: titleFrom(event.data.content.map(({ text }) => text)) }
        break
      case 'turn.started':
        info = { ...info, turns: info.turns + 1 }
        break
      case 'turn.completed':
      case 'turn.failed':
      case 'turn.cancelled':
        info = { ...info, usage: addUsage(info.usage, event.data.usage) }
        break
      default:
      // Everything else does not show here.
    }
  }
  return { last, info }
}

function titleFrom(texts: readonly string[]): string {
  const line = texts.join(' ').replaceAll(/\s+/g, ' ').trim()
  return line.length <= titleLength ? line : `${line.slice(0, titleLength - 1)}…`
}
