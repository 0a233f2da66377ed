// The agents below the session of a chat: what each does now, what waits for a person in it, what it used. Pure.
//   TE1. Each of them has a transcript of its own, which the items of its session change, and no other's. Nothing of it is printed.
//   TE2. Items may come again (T3 of transcript.ts): what was taken in already changes nothing, and no token is counted twice.
import type { StreamItem, TreeNode } from '@reins/contracts'
import { knownEvent } from '#decode'
import { follow } from './transcript.ts'
import {
  type Asker,
  newTranscript,
  type PendingApproval,
  type PendingQuestion,
  type Piece,
  type Transcript,
} from './transcript-state.ts'

export interface Member {
  readonly session: string
  readonly agent: string
  /** The session above, and its call that this one works on. */
  readonly above: string
  readonly call: string
  readonly transcript: Transcript
  /** epoch ms */
  readonly since: number
  readonly inputTokens: number
  readonly outputTokens: number
  /** What became of the call. A paused agent may be gone on with. */
  readonly end?: { readonly status: 'completed' | 'failed' | 'cancelled' | 'paused'; readonly at: number }
}

/** By session, in the order in which they were asked for. */
export type Team = ReadonlyMap<string, Member>
export const noTeam: Team = new Map()

export function followTeam(team: Team, session: string, item: StreamItem): Team {
  const event = 'n' in item ? knownEvent(item) : undefined
  const member = team.get(session)
  let next = team
  if (member) {
    if ('n' in item && isKnown(member.transcript, item)) return team // TE2
    const used = event?.type === 'model-call.completed' ? event.data.usage : undefined
    next = withMember(team, {
      ...member,
      transcript: follow(member.transcript, item).transcript, // TE1
      inputTokens: member.inputTokens + (used?.inputTokens ?? 0),
      outputTokens: member.outputTokens + (used?.outputTokens ?? 0),
    })
  }
  const at = 'n' in item ? item.at : 0
  switch (event?.type) {
    case 'delegation.requested': {
      const { child, call, agent } = event.data
      if (next.get(child)?.call === call) return next
      const fresh = { session: child, agent, above: session, call, since: at, transcript: newTranscript }
      return withMember(next, { ...fresh, inputTokens: 0, outputTokens: 0 })
    }
    case 'delegation.resumed': {
      const known = next.get(event.data.child)
      if (!known) return next
      const { end: _, ...rest } = known
      return withMember(next, { ...rest, call: event.data.call, since: at })
    }
    case 'delegation.settled':
    case 'delegation.paused': {
      const known = next.get(event.data.child)
      if (!known || known.call !== event.data.call || (known.end && known.end.status !== 'paused')) return next
      const status = event.type === 'delegation.paused' ? 'paused' : event.data.status
      return withMember(next, { ...known, end: { status, at } })
    }
    default:
      return next
  }
}

const isKnown = ({ n, i }: Transcript, item: { readonly n: number; readonly i: number }): boolean =>
  item.n < n || (item.n === n && item.i <= i)

const withMember = (team: Team, member: Member): Team => new Map(team).set(member.session, member)

/** As the tree of a session that is opened has it. */
export function memberOf(node: TreeNode): Member {
  const base = {
    ...{ session: node.id, agent: node.agent, above: node.parent ?? '', call: node.call ?? '' },
    ...{ transcript: newTranscript, since: node.since ?? node.createdAt },
    ...{ inputTokens: node.usage.inputTokens, outputTokens: node.usage.outputTokens },
  }
  const { state } = node
  if (state === 'completed' || state === 'failed' || state === 'cancelled')
    return { ...base, end: { status: state, at: node.lastActivityAt } }
  return base
}

export const membersBelow = (team: Team, session: string): readonly Member[] =>
  [...team.values()].filter(({ above }) => above === session)

export const memberFor = (team: Team, above: string, call: string): Member | undefined =>
  [...team.values()].find((member) => member.above === above && member.call === call)

/** The member, and everybody below it. */
export function branchOf(team: Team, member: Member): readonly Member[] {
  const found = [member]
  for (const one of found)
    for (const below of membersBelow(team, one.session)) if (!found.includes(below)) found.push(below)
  return found
}

export function askerOf(team: Team, member: Member): Asker {
  const path: string[] = []
  const seen = new Set<string>()
  for (let at: Member | undefined = member; at && !seen.has(at.session); at = team.get(at.above)) {
    seen.add(at.session)
    path.unshift(at.agent)
  }
  return { session: member.session, path }
}

/** What became of something that a person of this chat was asked below: it is told as of the session itself, with whose it was. */
export function noticesOf(team: Team, session: string, item: StreamItem): readonly Piece[] {
  const member = team.get(session)
  if (!member || !('n' in item) || !/^(approval|elicitation)\./.test(item.type)) return []
  const path = askerOf(team, member).path.join(' › ')
  return follow(member.transcript, item).pieces.flatMap((piece) =>
    piece.kind === 'notice' ? [{ ...piece, text: `${path}: ${piece.text}` }] : [],
  )
}

/** What waits for a person below the session of the chat. */
export const approvalsBelow = (team: Team): readonly PendingApproval[] =>
  [...team.values()].flatMap((member) =>
    member.transcript.approvals.map((one) => ({ ...one, of: askerOf(team, member) })),
  )

export const questionsBelow = (team: Team): readonly PendingQuestion[] =>
  [...team.values()].flatMap((member) =>
    member.transcript.questions.map((one) => ({ ...one, of: askerOf(team, member) })),
  )
