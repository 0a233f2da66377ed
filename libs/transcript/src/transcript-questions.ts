// What the events of an elicitation mean for a transcript: which questions of servers wait, and what became of the others. Pure.
//   TQ1. It agrees with the session's fold: a page that has to be opened first waits on after it was accepted, until it is done.
//   TQ2. A question has one ending. What names another, or comes again, changes nothing.
import type { EventData } from '@reins/contracts'
import type { PendingQuestion, Piece, Transcript, TranscriptChange } from './transcript-state.ts'

export function asked(transcript: Transcript, data: EventData<'elicitation.requested'>): TranscriptChange {
  const { call, attempt, elicitation, server, mode, message, url, schema, nothingRan, expiresAt } = data
  const before = transcript.questions.find((one) => one.call === call)
  if (before && before.attempt > attempt) return { transcript, pieces: [] }
  const question: PendingQuestion = {
    ...{ call, attempt, elicitation, server, mode, message, expiresAt },
    ...{ first: mode === 'url' && nothingRan === true, page: 'waiting' },
    ...(url === undefined ? {} : { url }),
    ...(schema === undefined ? {} : { schema }),
  }
  const questions = [...transcript.questions.filter((one) => one !== before), question]
  return { transcript: { ...transcript, questions }, pieces: [] }
}

export function answered(transcript: Transcript, data: EventData<'elicitation.answered'>): TranscriptChange {
  const question = questionOf(transcript, data.elicitation)
  if (!question) return { transcript, pieces: [] }
  const { action, completed, person } = data
  if (action === 'accept' && question.first && question.page === 'waiting' && !completed)
    return {
      transcript: changed(transcript, question, { page: 'opened' }),
      pieces: [notice('info', `${question.server}: ${person} opens the page. The call waits until it is done.`)],
    }
  const word = { accept: 'accepted', decline: 'declined', cancel: 'cancelled' }[action]
  return {
    transcript: { ...transcript, questions: withoutQuestion(transcript, data.elicitation) },
    pieces: [notice(action === 'accept' ? 'info' : 'warning', `${question.server}: ${word} by ${person}.`)],
  }
}

export function pageDone(transcript: Transcript, data: EventData<'elicitation.completed'>): TranscriptChange {
  const question = questionOf(transcript, data.elicitation)
  if (!question) return { transcript, pieces: [] }
  if (question.page !== 'opened') return { transcript: changed(transcript, question, { page: 'done' }), pieces: [] }
  return {
    transcript: { ...transcript, questions: withoutQuestion(transcript, data.elicitation) },
    pieces: [notice('info', `${question.server}: the page is done.`)],
  }
}

export function questionExpired(transcript: Transcript, data: EventData<'elicitation.expired'>): TranscriptChange {
  const question = questionOf(transcript, data.elicitation)
  if (!question) return { transcript, pieces: [] }
  return {
    transcript: { ...transcript, questions: withoutQuestion(transcript, data.elicitation) },
    pieces: [notice('warning', `${question.server}: nobody answered in time.`)],
  }
}

export const withoutQuestion = ({ questions }: Transcript, elicitation: string): Transcript['questions'] =>
  questions.filter((one) => one.elicitation !== elicitation)

const questionOf = ({ questions }: Transcript, elicitation: string): PendingQuestion | undefined =>
  questions.find((one) => one.elicitation === elicitation)

const changed = (transcript: Transcript, question: PendingQuestion, change: Partial<PendingQuestion>): Transcript => ({
  ...transcript,
  questions: transcript.questions.map((one) => (one === question ? { ...one, ...change } : one)),
})

const notice = (level: 'info' | 'warning', text: string): Piece => ({ kind: 'notice', level, text })
