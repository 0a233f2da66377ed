// What JetStream answers to a message that was published to a stream.
import { fieldsOf, jsonValue } from '@reins/contracts'

export interface PublishReply {
  readonly seq?: number
  /** That has taken it. */
  readonly stream?: string
  readonly error?: PublishError
}

export interface PublishError {
  readonly code: number
  readonly err_code?: number
  readonly description: string
}

/** Says neither where the answer is none: then nothing is known, and who sent the message sends it again. */
export function publishReply(text: string): PublishReply {
  const { seq, stream, error } = fieldsOf(jsonValue(text))
  if (error === undefined) {
    if (!Number.isSafeInteger(seq)) return {}
    return typeof stream === 'string' ? { seq: seq as number, stream } : { seq: seq as number }
  }
  const { code, err_code, description } = fieldsOf(error)
  return {
    error: {
      code: typeof code === 'number' ? code : 0,
      ...(typeof err_code === 'number' ? { err_code } : {}),
      description: typeof description === 'string' ? description : 'no reason given',
    },
  }
}

/** Its storage limit or its disk is full: what was sent can be sent again when there is room. */
export const isOutOfRoom = ({ err_code, description }: PublishError): boolean =>
  err_code === 10047 ||
  err_code === 10023 ||
  /no space left|insufficient (storage|resources)|quota exceeded/i.test(description)

/** Answers that say "not now": no leader, no quorum, a duplicate in flight, no room, a store that cannot write. */
export const isTransient = (error: PublishError): boolean =>
  error.code === 503 || error.err_code === 10158 || error.err_code === 10077 || isOutOfRoom(error)
