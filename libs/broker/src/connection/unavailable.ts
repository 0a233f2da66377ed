/** Thrown by whatever asks the broker, and by every port of the journal, when there is no answer within the deadline, or the signal was aborted. */
export class BrokerUnavailable extends Error {
  constructor(what: string, options?: { cause?: unknown }) {
    super(`${what}: the broker did not answer in time`, options)
    this.name = 'BrokerUnavailable'
  }
}
