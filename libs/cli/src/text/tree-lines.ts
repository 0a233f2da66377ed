// The tree of a delegation as lines: who each session is, how it stands, what it works on or waits for, and what its branch used. Pure.
//   TL1. An id that is cut is of no use: where the terminal is too narrow, it gets a line of its own, and so does what was used.
//   TL2. What agents, tools and models are called comes from outside: it is neutralised here.
import type { TreeNode, TreeState } from '@reins/contracts'
import { cells, cut } from './cells.ts'
import { oneLine } from './neutralise.ts'
import type { Style } from './style.ts'
import { span } from './when.ts'

export function treeLines(
  nodes: readonly TreeNode[],
  width: number | undefined,
  now: number,
  style: Style,
): readonly string[] {
  const rows = rowsOf(nodes, now, style)
  if (width !== undefined && rows.some(({ what, id, used }) => cells(`${what} ${id}  ${used}`) > width))
    return rows.flatMap(({ what, under, id, used }) => [
      ...(cells(`${what}  ${used}`) <= width
        ? [`${what}  ${style.dim(used)}`]
        : [cut(what, width), cut(style.dim(`${under}${used}`), width)]),
      cut(`${style.dim(under.slice(0, Math.max(0, width - cells(id))))}${id}`, width), // TL1
    ])
  const left = ({ what, id, about }: Row) => `${what} ${id}${about}`
  const widest = Math.max(0, ...rows.map((row) => cells(left(row))))
  const right = Math.max(0, ...rows.map(({ used }) => cells(used)))
  const room = width === undefined ? widest : Math.max(12, Math.min(widest, width - right - 2))
  return rows.map((row) => {
    const shown = cut(left(row), room)
    const line = `${shown}${' '.repeat(Math.max(0, room - cells(shown)))}  ${style.dim(row.used)}`
    return width === undefined ? line.trimEnd() : cut(line, width)
  })
}

/** Of sessions of which something cannot be read: what is known of them stands among the others. */
export const unreadableLines = (sessions: readonly string[], style: Style): readonly string[] =>
  sessions.map(
    (id) => `${style.red('✗')} ${oneLine(id)} cannot be read: what the archive holds of it is gone or damaged.`,
  )

interface Row {
  /** Who, and how it stands. */
  readonly what: string
  readonly id: string
  readonly about: string
  /** What stands before a second line. */
  readonly under: string
  readonly used: string
}

function rowsOf(nodes: readonly TreeNode[], now: number, style: Style): readonly Row[] {
  /** Of each level above: whether more of it follow, so that its line goes on. */
  const open: boolean[] = []
  return nodes.map((node, at) => {
    const { depth } = node
    const rest = nodes.slice(at + 1)
    const end = rest.findIndex((one) => one.depth <= depth)
    const isLast = end < 0 || (rest[end]?.depth ?? 0) < depth
    const hasChildren = (rest[0]?.depth ?? 0) > depth
    const lead = open
      .slice(1, depth)
      .map((goesOn) => (goesOn ? '│  ' : '   '))
      .join('')
    open[depth] = !isLast
    const branch = depth === 0 ? '' : isLast ? '└─ ' : '├─ '
    const below = depth === 0 ? '' : isLast ? '   ' : '│  '
    const title = node.title === undefined || depth > 0 ? '' : style.dim(` ${oneLine(node.title)}`)
    return {
      what: `${style.dim(lead + branch)}${style.bold(oneLine(node.agent))} ${standing(node, now, style)}`,
      id: node.id,
      about: title,
      under: lead + below + (hasChildren ? '│  ' : '   '),
      used: usedOf(node, now),
    }
  })
}

/** How a session stands, and why. */
export function standing(node: TreeNode, now: number, style: Style): string {
  const paint = paintOf(node.state, style)
  const why = reasonOf(node, now)
  return `${paint(node.state)}${why === '' ? '' : style.dim(` ${why}`)}`
}

function reasonOf({ state, waiting, doing, why }: TreeNode, now: number): string {
  switch (state) {
    case 'running': {
      const tools = doing.filter(({ child }) => child === undefined)
      return listed(tools.map(({ name, since }) => `${oneLine(name)} ${span(now - since)}`))
    }
    case 'waiting': {
      const [asked] = waiting ?? []
      if (asked) return `for ${asked.for === 'approval' ? 'approval of' : 'an answer to'} ${oneLine(asked.name)}`
      const agents = doing.flatMap(({ child, name }) => (child === undefined ? [] : [oneLine(name)]))
      return agents.length === 0 ? '' : `for ${listed(agents)}`
    }
    case 'failed':
      return why === undefined ? '' : cut(oneLine(why), 60)
    case 'queued':
      return 'for an executor'
    case 'paused':
    case 'quarantined':
    case 'completed':
    case 'cancelled':
    case 'idle':
    case 'ended':
      return ''
    default:
      return state satisfies never
  }
}

function listed(names: readonly string[]): string {
  const shown = names.slice(0, 2).join(', ')
  return names.length > 2 ? `${shown} and ${names.length - 2} more` : shown
}

function paintOf(state: TreeState, style: Style): (text: string) => string {
  switch (state) {
    case 'running':
      return style.green
    case 'waiting':
    case 'paused':
    case 'queued':
    case 'cancelled':
      return style.yellow
    case 'failed':
    case 'quarantined':
      return style.red
    case 'ended':
      return style.dim
    case 'completed':
    case 'idle':
      return (text) => text
    default:
      return state satisfies never
  }
}

/** Of the whole branch, where something stands below. */
function usedOf(node: TreeNode, now: number): string {
  const { branch, worked, since } = node
  const time = span(worked + (since === undefined ? 0 : Math.max(0, now - since)))
  const of = branch.sessions > 1 ? ` (${branch.sessions} sessions)` : ''
  const usd = branch.usd === undefined ? '' : ` · $${branch.usd.toFixed(branch.usd < 1 ? 4 : 2)}`
  return `${time} · ${branch.usage.inputTokens} in, ${branch.usage.outputTokens} out${usd}${of}`
}
