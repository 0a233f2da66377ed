// The frame that a delivery is about, out of the log of its session, also where that lies in the archive.
import type { Frame } from '@reins/contracts'
import type { SessionLog } from '@reins/journal'
import type { DueWebhook } from './queue.ts'

/** undefined: the log does not have it, by its leader's word. Of what an older version has stored the whole log is read. */
export async function frameOfJob(
  sessions: Pick<SessionLog, 'read' | 'frameAt'>,
  job: DueWebhook,
): Promise<Frame | undefined> {
  if ('body' in job) return (await sessions.read(job.session, { leader: true })).find(({ n }) => n === job.n)
  const { session, seq } = job
  const found = await sessions.frameAt(session, seq)
  if (found) return found
  const behind = await sessions.read(session, { after: seq - 1, limit: 1, leader: true })
  return behind.find((frame) => frame.seq === seq)
}
