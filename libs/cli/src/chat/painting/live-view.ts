// What stands below the printed lines and is painted again at each change: the end of the answer, calls that run, what waits,
// and the prompt. Pure.
//   V1. Never higher than the rows given and never wider than the width: the terminal never scrolls or wraps by itself here.
import { memberFor, type Transcript } from '@reins/transcript'
import { cells, cut, graphemes, wrap } from '../../text/cells.ts'
import { oneLine } from '../../text/neutralise.ts'
import { planLines } from '../../text/plan-lines.ts'
import type { Style } from '../../text/style.ts'
import { span } from '../../text/when.ts'
import { approvalLines } from '../deciding/approval-prompt.ts'
import { type QuestionView, questionLines } from '../deciding/question-prompt.ts'
import { blockLines, type TeamView } from '../team/team-lines.ts'
import type { Editor } from '../typing/line-editor.ts'
import { runningLines } from './tool-line.ts'

export interface LiveState {
  readonly transcript: Transcript
  /** undefined: nobody types here (a replay). */
  readonly editor?: Editor
  /** Messages on their way to the server. */
  readonly sending: readonly string[]
  /** What goes with the next message. */
  readonly images?: readonly string[]
  readonly connection: 'there' | 'lost'
  /** One line about the key that was pressed last. */
  readonly hint?: string
  readonly placeholder?: string
  /** The person types why the first call that waits is denied. */
  readonly denying?: boolean
  /** What a server asks this person. */
  readonly question?: QuestionView
  /** The agents below. */
  readonly team?: TeamView
}

/** Of a plan that is worked through: the rest of the screen is for the answer. */
const mostPlanLines = 10

export interface LiveView {
  readonly lines: readonly string[]
  readonly cursor?: { readonly row: number; readonly column: number }
}

export function liveView(
  state: LiveState,
  growing: readonly string[],
  size: { readonly width: number; readonly rows: number },
  now: number,
  style: Style,
): LiveView {
  const width = Math.max(1, size.width)
  const rows = Math.max(1, size.rows)
  const prompt = state.editor
    ? promptRows(state, state.editor, width, Math.max(1, Math.floor(rows / 2)), style)
    : undefined
  const above = [...growing.map((line) => cut(line, width)), ...activity(state, growing.length > 0, now, width, style)]
  const room = rows - (prompt?.lines.length ?? 0)
  const shown = room > 0 ? above.slice(-room) : []
  // A blank line before the prompt, where there is room for one.
  const gap = prompt && shown.length < room ? [''] : []
  const lines = [...shown, ...gap, ...(prompt?.lines ?? [])]
  if (!prompt) return { lines }
  return { lines, cursor: { row: shown.length + gap.length + prompt.row, column: Math.min(prompt.column, width) } }
}

function activity(state: LiveState, growing: boolean, now: number, width: number, style: Style): string[] {
  const { transcript } = state
  const lines: string[] = []
  const { plan = [] } = transcript
  // A plan that has ended stands above, where it was printed.
  if (plan.some(({ status }) => status === 'pending' || status === 'in_progress'))
    lines.push(...planLines(plan, width, style, mostPlanLines))
  const drafts = [...(transcript.answer?.blocks.values() ?? [])].filter((block) => block.kind === 'arguments')
  for (const draft of drafts) {
    const name = oneLine(draft.tool ?? 'tool')
    lines.push(cut(style.dim(`○ ${name} ${oneLine(draft.text.slice(-4 * width))}`), width))
  }
  let blocks = 0
  for (const tool of transcript.tools) {
    const member = state.team && memberFor(state.team.team, state.team.root, tool.call)
    if (!state.team || !member) lines.push(...runningLines(tool, now, width, style))
    else {
      blocks++
      lines.push(...runningLines({ ...tool, tail: '' }, now, width, style))
      lines.push(...blockLines(member, state.team, now, width, style))
    }
  }
  if (state.editor && state.team && blocks > 0)
    lines.push(cut(style.dim(`  Ctrl-O ${state.team.open ? 'folds' : 'opens'} what agents do`), width))
  const [asked] = transcript.approvals
  if (state.question) lines.push(...questionLines(state.question, now, width, style))
  else if (asked && state.editor)
    lines.push(...approvalLines(asked, transcript.approvals.length - 1, state.denying === true, now, width, style))
  const quiet = !growing && drafts.length === 0 && transcript.tools.length === 0 && !asked && !state.question
  if (transcript.turn && quiet && transcript.phase === 'running') {
    const until = transcript.throttledUntil
    const what =
      until === undefined
        ? `thinking … ${span(now - transcript.turn.since)}`
        : `waiting for the model … again in ${span(Math.max(0, until - now))}`
    lines.push(cut(style.dim(what), width))
  }
  if (transcript.phase === 'paused')
    lines.push(cut(style.yellow('paused: messages wait; /resume lets the session go on'), width))
  if (state.connection === 'lost')
    lines.push(cut(style.yellow('⚠ The server does not answer. Waiting; the chat goes on from here.'), width))
  for (const waiting of transcript.waiting) lines.push(cut(style.dim(`queued: ${oneLine(waiting.text)}`), width))
  const known = new Set(transcript.waiting.map((waiting) => waiting.text))
  for (const text of state.sending) if (!known.has(text)) lines.push(cut(style.dim(`sending: ${oneLine(text)}`), width))
  for (const image of state.images ?? []) lines.push(cut(style.dim(`with your next message: ${oneLine(image)}`), width))
  if (state.hint !== undefined) lines.push(...wrap(style.yellow(state.hint), width))
  return lines
}

interface Prompt {
  readonly lines: readonly string[]
  readonly row: number
  readonly column: number
}

/** The editor's text folded to the width, with the rows around the cursor where there are too many. */
function promptRows(state: LiveState, editor: Editor, width: number, most: number, style: Style): Prompt {
  const lead = width >= 8 ? '› ' : ''
  const indent = ' '.repeat(lead.length)
  if (editor.text.length === 0 && state.placeholder !== undefined) {
    const hint = cut(style.dim(state.placeholder), width - lead.length)
    return { lines: [style.cyan(lead) + hint], row: 0, column: lead.length }
  }
  const rows: string[] = ['']
  let used = 0
  let cursor = { row: 0, column: 0 }
  const limit = Math.max(1, width - lead.length)
  const room = (size: number) => {
    if (used + size <= limit) return
    rows.push('')
    used = 0
  }
  for (const [index, character] of editor.text.entries()) {
    if (index === editor.cursor) {
      if (character !== '\n') room(cells(shown(character)))
      cursor = { row: rows.length - 1, column: used }
    }
    if (character === '\n') {
      rows.push('')
      used = 0
      continue
    }
    const text = shown(character)
    const size = cells(text)
    room(size)
    rows[rows.length - 1] += text
    used += size
  }
  if (editor.cursor >= editor.text.length) {
    room(1)
    cursor = { row: rows.length - 1, column: used }
  }
  const first = Math.max(0, Math.min(cursor.row - Math.floor(most / 2), rows.length - most))
  const lines = rows
    .slice(first, first + most)
    .map((row, index) => (first + index === 0 ? style.cyan(lead) : indent) + row)
  return { lines, row: cursor.row - first, column: cursor.column + lead.length }
}

const shown = (character: string): string => (character === '\t' ? '  ' : graphemes(character).join(''))
