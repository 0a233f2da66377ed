// reins session tree: a session with all that was delegated from it, once, or in place for as long as something of it works.
import type { SessionTree, TreeNode } from '@reins/contracts'
import type { Command } from 'commander'
import { Painter } from '../../chat/painting/painter.ts'
import type { ReinsClient } from '../../client-port.ts'
import { exitCodes, QuietExit } from '../../failure.ts'
import type { Act, Invocation } from '../../invocation.ts'
import { cut } from '../../text/cells.ts'
import { fitted } from '../../text/fitted.ts'
import { treeLines, unreadableLines } from '../../text/tree-lines.ts'
import { examples } from '../examples.ts'

interface TreeOptions {
  readonly watch?: true
}

export function treeCommand(session: Command, act: Act): void {
  session
    .command('tree')
    .description(
      'Show a session with all sessions that it delegated to: who runs, waits or is done, and what each used',
    )
    .argument('<session>', 'the id of any session of the tree')
    .option('--watch', 'draw the tree anew at each change, until nothing of it runs or waits')
    .addHelpText(
      'after',
      examples(['reins session tree 01JD…', 'reins session tree 01JD… --watch', 'reins session tree 01JD… --json']),
    )
    .action((id: string, options: TreeOptions, command: Command) => act(showTree)([id, options], command))
}

export async function showTree(run: Invocation, id: string, { watch }: TreeOptions = {}): Promise<void> {
  const client = await run.client()
  const tree = await client.sessions.tree(id)
  if (watch) return watchTree(run, client, id, tree)
  if (run.json) return run.printJson(tree)
  print(run, tree)
}

function print(run: Invocation, tree: SessionTree): void {
  for (const line of treeLines(tree.nodes, run.width, run.context.now(), run.style)) run.print(line)
  for (const line of unreadableLines(tree.unreadable ?? [], run.style)) run.print(line)
}

const isAtRest = ({ nodes }: SessionTree): boolean =>
  nodes.every(({ state }) => state !== 'queued' && state !== 'running' && state !== 'waiting' && state !== 'paused')

/** Between two looks at the server, and between two paints of what only the clock changes. */
const leastGapMs = 250
const tickMs = 1000

/**
 * Events say when to look again. On a terminal the tree is drawn in place; programs get one tree a line; elsewhere the tree is printed
 * once, when it is at rest. The exit code is 1 where the turn of the root failed or was cancelled.
 */
async function watchTree(run: Invocation, client: ReinsClient, id: string, first: SessionTree): Promise<void> {
  const { context, style } = run
  const { stdout } = context
  const stop = new AbortController()
  const signal = AbortSignal.any([run.signal, stop.signal])
  const columns = () => Math.max(20, stdout.columns || 80)
  const painter = run.width === undefined || run.json ? undefined : new Painter((text) => stdout.write(text), columns())
  let tree = first
  let lost = false
  let changed = false
  let wake = Promise.withResolvers<void>()
  let failure: { readonly error: unknown } | undefined
  const notice = (change: boolean) => {
    changed ||= change
    wake.resolve()
  }
  const paint = () => {
    if (!painter) return
    const width = columns() - 1
    const lines = fitted(treeLines(tree.nodes, width, context.now(), style), Math.max(2, (stdout.rows || 24) - 2))
    const away = lost ? [cut(style.yellow('⚠ The server does not answer. Waiting for it.'), width)] : []
    painter.paint([], { lines: [...lines, ...away].map((line) => cut(line, width)) }, columns())
  }
  const follow = async () => {
    const items = client.sessions.follow(tree.root, { after: tree.cursor, tree: true, deltas: false, signal })
    for await (const item of items) {
      if (item.type === 'connection') lost = 'state' in item && item.state === 'lost'
      notice(item.type !== 'connection')
    }
  }
  const following = follow().catch((error: unknown) => {
    failure = { error }
    wake.resolve()
  })
  const tell = () => {
    if (run.json) run.print(JSON.stringify(tree))
    else paint()
  }
  try {
    tell()
    while (!isAtRest(tree) && !run.signal.aborted && !failure) {
      await Promise.race([wake.promise, context.sleep(tickMs, signal)])
      wake = Promise.withResolvers()
      if (!changed) {
        paint()
        continue
      }
      changed = false
      try {
        tree = await client.sessions.tree(id)
        tell()
      } catch (error) {
        if (lost) changed = true
        else throw error
      }
      await context.sleep(leastGapMs, signal)
    }
  } finally {
    stop.abort()
    await following
    painter?.clear(columns())
  }
  if (failure && !run.signal.aborted) throw failure.error
  if (!run.json) print(run, tree)
  if (run.signal.aborted) throw new QuietExit(exitCodes.interrupted)
  const root = tree.nodes.find(({ id: node }) => node === tree.root)
  if (root && wentWrong(root)) throw new QuietExit(exitCodes.failed)
}

const wentWrong = ({ state }: TreeNode): boolean =>
  state === 'failed' || state === 'cancelled' || state === 'quarantined'
