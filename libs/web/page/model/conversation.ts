// A session with the agents below it, as the page shows them: a thread for each, nested by who was asked by which call. Pure.
//   CO1. Each item of the stream belongs to one session, and changes the thread of that one alone.
import type { StreamItem } from '@reins/contracts'
import {
  approvalsBelow,
  followTeam,
  type Member,
  memberFor,
  noTeam,
  type PendingApproval,
  type PendingQuestion,
  questionsBelow,
  type Team,
} from '@reins/transcript'
import { followThread, newThread, type Thread } from './thread.ts'

export interface Conversation {
  /** undefined: it begins with the first message. */
  readonly session: string | undefined
  readonly threads: ReadonlyMap<string, Thread>
  readonly team: Team
}

/** A message that the server has not answered for yet. */
export interface Sending {
  readonly key: string
  readonly text: string
}

/**
 * What is still to be shown as being sent. The stream may bring a message before the answer to its request comes: it is
 * shown once all the same. Messages are sent one after the other, so that only the first can be the one that came.
 */
export function stillSending(
  sending: readonly Sending[],
  before: Conversation,
  after: Conversation,
): readonly Sending[] {
  const had = threadOf(before).transcript.waiting
  const came = threadOf(after).transcript.waiting.filter((one) => !had.includes(one))
  return came.some(({ text }) => text === sending[0]?.text) ? sending.slice(1) : sending
}

export const newConversation = (session: string | undefined): Conversation => ({
  session,
  threads: new Map(),
  team: noTeam,
})

export function followConversation(conversation: Conversation, item: StreamItem): Conversation {
  const whose = item.session ?? conversation.session ?? ''
  const before = conversation.threads.get(whose) ?? newThread
  const thread = followThread(before, item)
  const team = followTeam(conversation.team, whose, item)
  if (thread === before && team === conversation.team) return conversation
  return { ...conversation, team, threads: new Map(conversation.threads).set(whose, thread) }
}

export const threadOf = ({ session, threads }: Conversation): Thread =>
  (session === undefined ? undefined : threads.get(session)) ?? newThread

export interface Below {
  readonly member: Member
  readonly thread: Thread
}

/** The agent that works, or worked, on a call of a session. */
export function belowOf({ team, threads }: Conversation, session: string, call: string): Below | undefined {
  const member = memberFor(team, session, call)
  return member && { member, thread: threads.get(member.session) ?? newThread }
}

/** What waits for a person: of the session itself first, then of the agents below. */
export function waitingFor(conversation: Conversation): {
  readonly approvals: readonly PendingApproval[]
  readonly questions: readonly PendingQuestion[]
} {
  const { approvals, questions } = threadOf(conversation).transcript
  return {
    approvals: [...approvals, ...approvalsBelow(conversation.team)],
    questions: [...questions, ...questionsBelow(conversation.team)],
  }
}

/** Somebody is to go on with it, and no person: with a message that waits, or in a turn. */
export function mayStandStill(conversation: Conversation): boolean {
  const { turn, waiting, phase } = threadOf(conversation).transcript
  const { approvals, questions } = waitingFor(conversation)
  const works = turn !== undefined || waiting.length > 0
  return works && approvals.length + questions.length === 0 && phase !== 'paused' && phase !== 'quarantined'
}
