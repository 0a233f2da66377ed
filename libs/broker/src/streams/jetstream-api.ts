// The subjects of JetStream's own API that are asked by name, since the client library has no call for them that is fit here.
export const createStreamSubject = (stream: string): string => `$JS.API.STREAM.CREATE.${stream}`
/** Answered by any replica. */
export const directGetSubject = (stream: string): string => `$JS.API.DIRECT.GET.${stream}`
/** Answered by the leader. */
export const leaderGetSubject = (stream: string): string => `$JS.API.STREAM.MSG.GET.${stream}`
export const pullNextSubject = (stream: string, durable: string): string =>
  `$JS.API.CONSUMER.MSG.NEXT.${stream}.${durable}`
/** The broker answers with the stream's settings, and sends the stream itself to the subject that it is given. */
export const saveStreamSubject = (stream: string): string => `$JS.API.STREAM.SNAPSHOT.${stream}`
/** The broker answers with the subject that it takes the stream at. */
export const loadStreamSubject = (stream: string): string => `$JS.API.STREAM.RESTORE.${stream}`

export const listConsumersSubject = (stream: string): string => `$JS.API.CONSUMER.LIST.${stream}`
export const purgeStreamSubject = (stream: string): string => `$JS.API.STREAM.PURGE.${stream}`
/** The broker overwrites the message in its file, unless it is told otherwise. */
export const eraseMessageSubject = (stream: string): string => `$JS.API.STREAM.MSG.DELETE.${stream}`
export const streamInfoSubject = (stream: string): string => `$JS.API.STREAM.INFO.${stream}`
/** `err_code` of an answer. */
export const streamNotFound = 10059
export const consumerNotFound = 10014
