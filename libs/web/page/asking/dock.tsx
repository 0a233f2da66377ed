// What waits for this person, one after the other, between the conversation and the field for messages.
//   DO1. Something new is told to screen readers, and never takes the focus from somebody who types.
import { useEffect } from 'react'
import { announce } from '../frame/announcer.tsx'
import { type Conversation, waitingFor } from '../model/conversation.ts'
import type { SessionStore } from '../model/session-store.ts'
import { plainText } from '../text/plain.ts'
import { plural } from '../text/words.ts'
import { ApprovalCard } from './approval-card.tsx'
import { QuestionCard } from './question-card.tsx'

export function Dock({ conversation, store }: { readonly conversation: Conversation; readonly store: SessionStore }) {
  const { approvals, questions } = waitingFor(conversation)
  const approval = approvals[0]
  const question = approval ? undefined : questions[0]
  const others = approvals.length + questions.length - 1
  const news = approval
    ? `${plainText(approval.name)} waits for your approval.`
    : question
      ? `${plainText(question.server)} asks: ${plainText(question.message)}`
      : undefined
  useEffect(() => {
    if (news !== undefined) announce(news)
  }, [news])
  if (!approval && !question) return null
  return (
    <div className="dock">
      {approval ? (
        <ApprovalCard
          key={`${approval.of?.session ?? ''}/${approval.call}/${approval.digest}`}
          pending={approval}
          decide={(decision) => store.decide(approval.of?.session, approval.call, decision)}
        />
      ) : null}
      {question ? (
        <QuestionCard
          key={`${question.of?.session ?? ''}/${question.elicitation}`}
          question={question}
          answer={(given) => store.answer(question.of?.session, question.elicitation, given)}
        />
      ) : null}
      {others > 0 ? (
        <p className="faint">
          {`${plural(others, 'more thing')} waits behind this.`.replace('things waits', 'things wait')}
        </p>
      ) : null}
    </div>
  )
}
