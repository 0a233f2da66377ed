// What the model is told about a person whom a server asked. Declined, cancelled and not answered in time are told apart.
import type { Elicited } from '../session.ts'

/** The call does not run: the server wanted a page to be opened first. */
export function notRunText({ server, action, expired }: Elicited): string {
  const first = `Not run: the server ${server} needs a person to allow it first, and`
  if (expired)
    return `${first} nobody answered in time. That is no refusal: it may be asked for again later, when somebody is there.`
  return action === 'decline'
    ? `${first} the person declined. Do not try it again in another way; ask what is wanted instead, or go on without it.`
    : `${first} the person cancelled the question without an answer.`
}

/** Before the result of a call that went on: the server itself may not say, or not know, why it got no answer. */
export const elicitedNote = (elicited: readonly Elicited[] = []): string =>
  elicited
    .filter(({ nothingRan, action }) => !nothingRan && action !== 'accept')
    .map(
      ({ server, action, expired }) => `[The server ${server} asked a person something: ${said(action, expired)}.]\n`,
    )
    .join('')

const said = (action: Elicited['action'], expired: true | undefined): string =>
  expired
    ? 'nobody answered in time, which is no refusal'
    : action === 'decline'
      ? 'they declined'
      : 'they cancelled the question without an answer'
