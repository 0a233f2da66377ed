// A question that a server asks this person in the middle of a call: how it is shown, and the keys that answer it. Pure.
//   QP1. The server is named, and the host of its page: the message and the address are the words of a third party.
//   QP2. However long those are, what the keys do stands below them and stays on the screen.
import type { PendingQuestion } from '@reins/transcript'
import { type FormField, formFields } from '../../elicitations/form-fields.ts'
import { webPage } from '../../elicitations/web-page.ts'
import { cut, wrap } from '../../text/cells.ts'
import { oneLine } from '../../text/neutralise.ts'
import type { Style } from '../../text/style.ts'
import { span } from '../../text/when.ts'
import type { Key } from '../typing/keys.ts'
import { whose } from './approval-prompt.ts'

export type QuestionKey = 'yes' | 'no' | 'cancel'

/** A form that is being filled in. */
export interface Filling {
  readonly at: number
  /** What was wrong with what was typed last. */
  readonly problem?: string
}

export interface QuestionView {
  readonly question: PendingQuestion
  /** How many wait behind it. */
  readonly others: number
  readonly filling?: Filling
}

const mostRows = 6
const mostFields = 8

/** undefined: it answers nothing. Enter is yes where `[Y/n]` says so: not where a page was opened already. */
export function questionKey(key: Key, { page, mode, url }: PendingQuestion): QuestionKey | undefined {
  const no = /^[nN]$/
  if (key.kind === 'paste') return undefined
  if (key.kind === 'key' && (key.name === 'interrupt' || key.name === 'escape')) return 'cancel'
  if (key.kind === 'text' && no.test(key.text)) return 'no'
  const yes = key.kind === 'text' ? /^[yY]$/.test(key.text) : key.name === 'enter' && page !== 'opened'
  return yes && (mode === 'form' || webPage(url)) ? 'yes' : undefined
}

export function questionLines(view: QuestionView, now: number, width: number, style: Style): string[] {
  const { question, others, filling } = view
  const { server, message, mode, expiresAt } = question
  const behind = others === 0 ? '' : `, ${others} more behind it`
  const until = expiresAt === undefined ? '' : `  expires in ${span(Math.max(0, expiresAt - now))}`
  const expires = style.dim(`${until}${behind}`)
  return [
    ...rowsOf(
      `${style.yellow('▲')} ${style.bold(`${whose(question)}[${oneLine(server)}] ${oneLine(message)}`)}`,
      width,
    ),
    ...(mode === 'url' ? pageLines(question, width, style) : filling ? [] : fieldLines(question, width, style)),
    cut(expires, width),
    ...wrap(filling ? fillingLine(question, filling, style) : choice(question, style), width),
  ]
}

function pageLines({ url = '' }: PendingQuestion, width: number, style: Style): string[] {
  const host = webPage(url)?.host
  return [
    ...rowsOf(oneLine(url), Math.max(1, width - 2)).map((row) => `  ${row}`),
    ...(host === undefined ? [] : [cut(style.dim(`  a page of ${host}`), width)]),
  ]
}

function fieldLines({ schema }: PendingQuestion, width: number, style: Style): string[] {
  const fields = formFields(schema)
  const rows = fields.slice(0, mostFields).map((field) => cut(`  ${fieldLine(field, style)}`, width))
  return fields.length > mostFields ? [...rows, `  … and ${fields.length - mostFields} more`] : rows
}

const fieldLine = ({ name, required, hint }: FormField, style: Style): string =>
  `${oneLine(name)}${style.dim(`${required ? ' (required)' : ''}${hint === '' ? '' : `: ${hint}`}`)}`

function choice({ mode, page, url }: PendingQuestion, style: Style): string {
  const { bold } = style
  const cancels = `${bold('Ctrl-C')} cancels the question`
  if (mode === 'form')
    return `${bold('Fill in the form? [Y/n]')} · ${cancels} · What you fill in stands in the log: no passwords.`
  if (!webPage(url)) return `Reins opens no address but http and https. · ${bold('n')} declines · ${cancels}`
  if (page === 'opened')
    return `The page was opened. ${bold('y')} says that it is done, if the server does not · ${bold('n')} declines · ${cancels}`
  return `${bold('Open browser to authorize? [Y/n]')} · ${cancels}`
}

function fillingLine({ schema }: PendingQuestion, { at, problem }: Filling, style: Style): string {
  const fields = formFields(schema)
  const field = fields[at]
  if (!field) return ''
  const wrong = problem === undefined ? '' : `${style.yellow(`${oneLine(field.name)}: ${oneLine(problem)}`)} · `
  const enter = field.required ? 'Enter goes on' : 'Enter goes on, also without it'
  const line = cut(fieldLine(field, style), 300)
  return `${wrong}${at + 1} of ${fields.length} · ${line} · ${enter} · ${style.bold('Ctrl-C')} cancels the question`
}

/** Folded, with an end after a few rows. */
function rowsOf(text: string, width: number): string[] {
  const rows = wrap(text, width)
  return rows.length > mostRows ? [...rows.slice(0, mostRows), '…'] : rows
}
