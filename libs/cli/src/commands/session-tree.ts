// reins session tree: a session with all that was delegated from it, as the index has them.
import type { SessionInfo } from '@reins/contracts'
import type { Command } from 'commander'
import type { Act, Invocation } from '../invocation.ts'
import { cells, cut } from '../text/cells.ts'
import { oneLine } from '../text/neutralise.ts'
import type { Style } from '../text/style.ts'
import { span } from '../text/when.ts'
import { examples } from './examples.ts'
import { statusText } from './session.ts'

export function treeCommand(session: Command, act: Act): void {
  session
    .command('tree')
    .description(
      'Show a session with all sessions that it delegated to: who runs, waits or is done, and what each used',
    )
    .argument('<session>', 'the id of any session of the tree')
    .addHelpText('after', examples(['reins session tree 01JD…', 'reins session tree 01JD… --json']))
    .action((id: string, _options: object, command: Command) => act(showTree)([id], command))
}

export interface TreeNode {
  readonly session: SessionInfo
  readonly children: readonly TreeNode[]
}

/** The sessions of one tree as a tree. A session whose parent is not among them stands at the top. */
export function treeOf(sessions: readonly SessionInfo[]): readonly TreeNode[] {
  const ids = new Set(sessions.map(({ id }) => id))
  const byAge = [...sessions].sort((a, b) => a.createdAt - b.createdAt || (a.id < b.id ? -1 : 1))
  const below = new Map<string | undefined, SessionInfo[]>()
  for (const session of byAge) {
    const parent = session.parent !== undefined && ids.has(session.parent) ? session.parent : undefined
    below.set(parent, [...(below.get(parent) ?? []), session])
  }
  const nodes = (parent: string | undefined): readonly TreeNode[] =>
    (below.get(parent) ?? []).map((session) => ({ session, children: nodes(session.id) }))
  return nodes(undefined)
}

export async function showTree(run: Invocation, id: string): Promise<void> {
  const client = await run.client()
  const sessions: SessionInfo[] = []
  let after: string | undefined
  do {
    const page = await client.sessions.list({ tree: id, limit: 500, ...(after === undefined ? {} : { after }) })
    sessions.push(...page.sessions)
    after = page.next
  } while (after !== undefined)
  if (sessions.length === 0) {
    // The index may not have it yet; whoever gives a wrong id is told so.
    const session = await client.sessions.get(id)
    sessions.push(session)
  }
  if (run.json) return run.printJson({ sessions })
  for (const line of treeLines(treeOf(sessions), run.width, run.style)) run.print(line)
}

export function treeLines(nodes: readonly TreeNode[], width: number | undefined, style: Style): readonly string[] {
  const rows = nodes.flatMap((node) => rowsOf(node, '', '', style))
  // An id that is cut is of no use: where the terminal is too narrow, it gets a line of its own.
  if (width !== undefined && rows.some((row) => cells(`${row.what} ${row.id}  ${row.used}`) > width))
    return rows.flatMap(({ what, under, id, used }) => [
      cut(`${what}  ${style.dim(used)}`, width),
      cut(`${style.dim(under)}${id}`, width),
    ])
  const widest = Math.max(0, ...rows.map(({ left }) => cells(left)))
  const right = Math.max(0, ...rows.map(({ used }) => cells(used)))
  const room = width === undefined ? widest : Math.max(12, Math.min(widest, width - right - 2))
  return rows.map(({ left, used }) => {
    const shown = cut(left, room)
    const line = `${shown}${' '.repeat(Math.max(0, room - cells(shown)))}  ${style.dim(used)}`
    return width === undefined ? line.trimEnd() : cut(line, width)
  })
}

interface Row {
  readonly left: string
  /** Who, and how it stands. */
  readonly what: string
  readonly id: string
  /** What stands before a second line. */
  readonly under: string
  readonly used: string
}

function rowsOf({ session, children }: TreeNode, lead: string, branch: string, style: Style): readonly Row[] {
  const { agent, status, waiting, turns, usage, createdAt, lastActivityAt, title } = session
  const waits = waiting?.[0]
  const why = waits ? style.yellow(` for ${waits.for} of ${oneLine(waits.name)}`) : ''
  const about = title === undefined ? '' : style.dim(` ${oneLine(title)}`)
  const what = `${style.dim(lead + branch)}${style.bold(oneLine(agent))} ${statusText(status, style)}${why}`
  const left = `${what} ${session.id}${about}`
  const used = `${turns} ${turns === 1 ? 'turn' : 'turns'} · ${span(lastActivityAt - createdAt)} · ${usage.inputTokens} in, ${usage.outputTokens} out`
  const under = branch === '' ? '' : branch === '└─ ' ? '   ' : '│  '
  const last = children.length - 1
  return [
    { left, what, id: session.id, under: lead + under + (children.length > 0 ? '│  ' : '   '), used },
    ...children.flatMap((child, index) => rowsOf(child, lead + under, index === last ? '└─ ' : '├─ ', style)),
  ]
}
