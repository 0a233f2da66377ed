// An answer that has to fit a schema is held against it before it is recorded, and what came of that stands in the same frame: deciding,
// here and in any later replay, reads it there.
import type { EventOf, SessionEvent } from '@reins/contracts'
import { evolve, type Origin, type Session, uncheckedAnswer } from '@reins/session'
import { answerProblems } from '@reins/tools'

const most = 20

/** `said`: what the frame is going to say of itself. */
export async function withCheck(
  session: Session,
  event: EventOf<'model-call.completed'>,
  said: Omit<Origin, 'role'>,
): Promise<readonly SessionEvent[]> {
  if (!session.turn?.output) return [event]
  const answer = uncheckedAnswer(evolve(session, event, { role: 'e', ...said }))
  if (answer?.call !== event.data.call) return [event]
  const problems = (await answerProblems(answer.schema, answer.text, answer.finish)).slice(0, most)
  return [event, { type: 'output.checked', data: { call: answer.call, problems } }]
}
