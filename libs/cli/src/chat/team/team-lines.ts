// A delegation in the chat: a block under its call. Folded it is one line; open it shows the whole branch. Pure.
//   TB1. No line is wider than the width; what agents and tools say is neutralised.
import { branchOf, type Member, membersBelow, type Team } from '@reins/transcript'
import { cells, cut, graphemes } from '../../text/cells.ts'
import { oneLine } from '../../text/neutralise.ts'
import type { Style } from '../../text/style.ts'
import { span } from '../../text/when.ts'
import { toolInput } from '../painting/tool-line.ts'

export interface TeamView {
  readonly team: Team
  /** The session of the chat. */
  readonly root: string
  /** Blocks show their whole branches. */
  readonly open: boolean
}

/** Of an open block: the rest of the screen is for the answer. */
const mostRows = 12
const mostTextRows = 2

/** What stands under a delegation that runs. */
export function blockLines(member: Member, view: TeamView, now: number, width: number, style: Style): string[] {
  const { team, open } = view
  if (!open) {
    const below = branchOf(team, member).slice(1)
    const others = below.length === 0 ? '' : style.dim(` · ${below.length} below`)
    const asking = below.filter(asksPerson).length
    const asked = asking === 0 || asksPerson(member) ? '' : ` ${style.yellow('▲')} ${style.dim('below')}`
    return [line(`  ${doing(member, team, now, style)}${asked}`, `${usedText(member, style)}${others}`, width)]
  }
  const rows = [
    line(`  ${doing(member, team, now, style)}`, usedText(member, style), width),
    cut(style.dim(idLine(member.session, width)), width),
    ...said(member, '  ', width, style),
    ...nested(member, team, '  ', now, width, style),
  ]
  return rows.length > mostRows
    ? [...rows.slice(0, mostRows - 1), cut(style.dim(`  … ${rows.length - mostRows + 1} more lines`), width)]
    : rows
}

/** An id that is cut is of no use: the word before it gives way. */
const idLine = (id: string, width: number): string =>
  cells(id) + 10 <= width ? `  session ${id}` : `${' '.repeat(Math.max(0, Math.min(2, width - cells(id))))}${id}`

/** What stands behind, and under, a delegation that ended. */
export function endedLines(
  member: Member,
  view: TeamView,
  width: number,
  style: Style,
): { readonly note: string; readonly lines: string[] } {
  const branch = branchOf(view.team, member)
  const inputTokens = branch.reduce((sum, one) => sum + one.inputTokens, 0)
  const outputTokens = branch.reduce((sum, one) => sum + one.outputTokens, 0)
  const agents = branch.length > 1 ? ` · ${branch.length} agents` : ''
  const note = `${tokens(inputTokens, outputTokens)}${agents}`
  const rows = view.open
    ? nested(member, settledTeam(view.team, branch), '  ', member.end?.at ?? member.since, width, style)
    : []
  return { note, lines: rows.slice(0, mostRows) }
}

/** Those below say a moment later that they were cancelled, when the block stands already. */
function settledTeam(team: Team, [first, ...below]: readonly Member[]): Team {
  const { end } = first ?? {}
  if (end?.status !== 'cancelled') return team
  const cancelled = below.flatMap((one) => (one.end ? [] : [[one.session, { ...one, end }] as const]))
  return new Map([...team, ...cancelled])
}

function nested(member: Member, team: Team, lead: string, now: number, width: number, style: Style): string[] {
  const below = membersBelow(team, member.session)
  return below.flatMap((one, index) => {
    const last = index === below.length - 1
    const head = `${style.dim(`${lead}${last ? '└' : '├'} `)}${style.bold(oneLine(one.agent))} `
    const deeper = `${lead}${last ? ' ' : '│'} `
    return [
      line(`${head}${doing(one, team, now, style)}`, usedText(one, style, now), width),
      ...(one.end ? [] : said(one, deeper, width, style)),
      ...nested(one, team, deeper, now, width, style),
    ]
  })
}

const asksPerson = ({ transcript }: Member): boolean =>
  transcript.approvals.length > 0 || transcript.questions.length > 0

/** What it does, in some words. */
function doing({ transcript, end, since, session }: Member, team: Team, now: number, style: Style): string {
  if (end)
    switch (end.status) {
      case 'completed':
        return `${style.green('✓')} ${style.dim(span(end.at - since))}`
      case 'failed':
        return `${style.red('✗ failed')} ${style.dim(span(end.at - since))}`
      case 'cancelled':
        return style.yellow('⊘ cancelled')
      case 'paused':
        return style.yellow('▲ waits for a person')
      default:
        return end.status satisfies never
    }
  const [asked] = transcript.approvals
  if (asked) return style.yellow(`▲ ${oneLine(asked.name)} waits for your approval`)
  const [question] = transcript.questions
  if (question) return style.yellow(`▲ ${oneLine(question.server)} asks you something`)
  if (transcript.phase === 'paused') return style.yellow('paused')
  if (transcript.phase === 'quarantined') return style.red('in quarantine')
  const running = transcript.tools.filter(({ below }) => below === undefined)
  const [tool] = running
  if (tool) {
    const more = running.length > 1 ? ` and ${running.length - 1} more` : ''
    return `${oneLine(tool.name)} ${style.dim(`${toolInput(tool.input)} ${span(now - tool.since)}${more}`)}`
  }
  const agents = membersBelow(team, session).filter((one) => !one.end)
  if (agents.length > 0) return style.dim(`waits for ${agents.map(({ agent }) => oneLine(agent)).join(', ')}`)
  if (!transcript.turn) return style.dim('begins')
  const text = answerOf(transcript)
  return text === '' ? style.dim(`thinking … ${span(now - transcript.turn.since)}`) : style.dim(lastLine(text))
}

const answerOf = ({ answer }: Member['transcript']): string =>
  [...(answer?.blocks.values() ?? [])].flatMap(({ kind, text }) => (kind === 'text' ? [text] : [])).join('')

/** What was written last is what a person looks for. */
const tailChars = 48
const endOf = (line: string, most: number): string => {
  const parts = graphemes(line)
  return parts.length > most ? `…${parts.slice(1 - most).join('')}` : line
}

const lastLine = (text: string): string =>
  endOf(
    text
      .slice(-2000)
      .split('\n')
      .map(oneLine)
      .findLast((one) => one !== '') ?? '',
    tailChars,
  )

/** The end of what it writes. */
function said({ transcript }: Member, lead: string, width: number, style: Style): string[] {
  const rows = answerOf(transcript)
    .slice(-4000)
    .split('\n')
    .map(oneLine)
    .filter((row) => row !== '')
  const room = Math.max(1, width - cells(lead) - 2)
  return rows.slice(-mostTextRows).map((row) => cut(style.dim(`${lead}  ${endOf(row, room)}`), width))
}

const tokens = (input: number, output: number): string => `${input} in, ${output} out`

function usedText({ inputTokens, outputTokens, since, end }: Member, style: Style, now?: number): string {
  const used = inputTokens + outputTokens === 0 ? '' : tokens(inputTokens, outputTokens)
  const time = now === undefined || end ? '' : span(now - since)
  const text = [time, used].filter((part) => part !== '').join(' · ')
  return text === '' ? '' : style.dim(text)
}

/** `left`, cut so that `right` has its place behind it. */
function line(left: string, right: string, width: number): string {
  if (right === '') return cut(left, width)
  const room = width - cells(right) - 2
  return room < 8 ? cut(left, width) : `${cut(left, room)}  ${right}`
}
