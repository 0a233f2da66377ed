// A call that waits for this person: what it would do, and the keys that decide. Pure.
//   AQ1. Enter alone decides nothing, nor does a key that is part of a message: a key counts where nothing is being typed, by itself.
//   AQ2. What `A` grants is said beside it, as narrow as the call allows: its target, else its tool.
import type { PendingApproval } from '@reins/transcript'
import { wouldRun } from '../../approvals/would-run.ts'
import { cut, wrap } from '../../text/cells.ts'
import { oneLine } from '../../text/neutralise.ts'
import type { Style } from '../../text/style.ts'
import { span } from '../../text/when.ts'
import type { Key } from '../typing/keys.ts'

export type ApprovalKey = 'approve' | 'grant' | 'edit' | 'deny'

const keys: Readonly<Record<string, ApprovalKey>> = { a: 'approve', A: 'grant', e: 'edit', d: 'deny' }

/** AQ1. undefined: it decides nothing. */
export const approvalKey = (key: Key): ApprovalKey | undefined =>
  key.kind === 'text' && Object.hasOwn(keys, key.text) ? keys[key.text] : undefined

/** AQ2. undefined: there is nothing to grant. */
export function grantScope({ must, quorum, target }: PendingApproval): 'target' | 'tool' | undefined {
  if (must || quorum > 1) return undefined
  return target === undefined ? 'tool' : 'target'
}

/** The agents that it is of, where it is of one below. */
export const whose = ({ of }: Pick<PendingApproval, 'of'>): string =>
  of === undefined ? '' : `${of.path.map(oneLine).join(' › ')}: `

export function approvalLines(
  pending: PendingApproval,
  others: number,
  denying: boolean,
  now: number,
  width: number,
  style: Style,
): string[] {
  const behind = others === 0 ? '' : `, ${others} more behind it`
  const expires = pending.expiresAt === undefined ? '' : `, expires in ${span(Math.max(0, pending.expiresAt - now))}`
  const votes = pending.quorum > 1 ? `, ${pending.votes.length} of ${pending.quorum} have approved` : ''
  const title = `${style.yellow('▲')} ${style.bold(`${whose(pending)}${oneLine(pending.name)} waits for your approval`)}${style.dim(`${expires}${votes}${behind}`)}`
  const scope = grantScope(pending)
  const session =
    scope === undefined
      ? ''
      : ` · ${style.bold('A')} ${scope === 'target' ? 'always this one' : `every ${oneLine(pending.name)}`} in this session`
  const choice = denying
    ? 'Type why, and Enter: the call is denied, and the model reads it. Escape goes back.'
    : `${style.bold('a')} approve${session} · ${style.bold('e')} edit · ${style.bold('d')} deny`
  return [
    cut(title, width),
    ...wrap(oneLine(pending.reason), Math.max(1, width - 2)).map((part) => style.dim(`  ${part}`)),
    ...wouldRun(pending, style).flatMap((line) => wrap(line, Math.max(1, width - 2)).map((part) => `  ${part}`)),
    ...wrap(choice, width),
  ]
}
