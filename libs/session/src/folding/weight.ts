// About what a folded session takes in memory, and what of it waits for a turn. Pure.
//   W1. What is kept is counted once per message: the transcript only grows, so whoever asks again hands in what was counted before.
//   W2. A figure, no measurement: bounds rest on it, and each bound leaves room.
import { estimateTokens, type UserContent } from '@reins/contracts'
import type { Session } from '../session.ts'

/** What a session takes with an empty transcript, and what a message takes beside its text: measured, as the figure below is. */
const sessionBytes = 8192
const messageBytes = 512
/** A text is there twice: as it was said, and in the JSON that goes to the model with each call. */
const bytesOfToken = 2 * 4

/** Of the messages of the transcript that were counted. */
export interface Weighed {
  readonly messages: number
  readonly bytes: number
}
export const unweighed: Weighed = { messages: 0, bytes: sessionBytes }

/** W1. A transcript that is shorter than what was counted is another one. */
export function weigh({ transcript }: Session, before: Weighed = unweighed): Weighed {
  let { messages, bytes } = before.messages > transcript.length ? unweighed : before
  for (; messages < transcript.length; messages++) {
    const message = transcript.at(messages)
    if (message) bytes += messageBytes + estimateTokens(message) * bytesOfToken
  }
  return { messages, bytes }
}

/** Bytes of the messages that wait for their turn. */
export function waitingBytes({ inbox }: Session): number {
  let bytes = 0
  for (const { content, images = [] } of inbox)
    bytes += messageBytes + contentBytes(content) + images.reduce((sum, { data }) => sum + (data?.length ?? 0), 0)
  return bytes
}

export function contentBytes(content: UserContent): number {
  let bytes = 0
  for (const part of content) bytes += 'text' in part ? part.text.length : JSON.stringify(part).length
  return bytes
}
