import type { SessionStreamCount } from '@reins/contracts'
import { createMemoryJournal, type MemoryFaults } from '../src/memory/journal.ts'
import { type ContractSubject, journalContract } from './contract.ts'

for (const sessionStreams of [1, 4] as const)
  journalContract(`memory, streams of sessions: ${sessionStreams}`, () => subject(sessionStreams))

async function subject(sessionStreams: SessionStreamCount): Promise<ContractSubject> {
  const lost: { ack?: () => Promise<void>; request?: () => Promise<void> } = {}
  let meanwhile: (() => Promise<void>) | undefined
  const lose = (what: 'ack' | 'request'): boolean => {
    const run = lost[what]
    delete lost[what]
    if (run) meanwhile = run
    return run !== undefined
  }
  const faults: MemoryFaults = {
    loseAck: () => lose('ack'),
    loseRequest: () => lose('request'),
    beforeRetry: async () => {
      const run = meanwhile
      meanwhile = undefined
      await run?.()
    },
  }
  const now = () => performance.now()
  const ackWaitMs = 80
  const outputBytesOfSession = 64 * 1024
  const journal = createMemoryJournal({ clock: { now }, ackWaitMs, outputBytesOfSession, faults, sessionStreams })
  return {
    ...journal,
    now,
    ackWaitMs,
    outputBytesOfSession,
    timerStepMs: 20,
    loseNextAck: (run) => {
      lost.ack = run
    },
    loseNextRequest: (run) => {
      lost.request = run
    },
    close: async () => journal.close(),
  }
}
