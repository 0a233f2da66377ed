// A context that is compacted while the executor that does it is killed: before its model is asked, with the summary in its hands, and when
// the summary is in the log. One outcome counts, the session goes on, and its plan is still there.
import { expect } from 'vitest'
import { eventually } from '../../harness/eventually.ts'
import type { ServiceProcess } from '../../harness/service-process.ts'
import { dataOf } from '../../team/events.ts'
import type { Bench, Case } from '../bench.ts'

const steps = [
  { name: 'look', description: 'Look.' },
  { name: 'tell', description: 'Tell.', depends_on: ['look'] },
]
const planned = `call create_plan ${JSON.stringify({ steps })} && then call start_step {"step_name": "look"}`
/** Two of these fill the window, beside the tools of plans. */
const long = `${'a word of it. '.repeat(300)}\n!say ok`

function killedAt(point: string, title: string, attempts: number): Case {
  return {
    slug: `compaction-${point.replaceAll('.', '-')}`,
    title: `${title} (${point}): one summary counts, the session goes on, and its plan is there`,
    async run(bench) {
      await bench.world.agent(bench.slug, {
        ...{ affinity: bench.labels, planning: true, tools: ['shell'], max_tokens: 300 },
        context: { window: 4_000, compact_at: 0.5 },
      })
      const victim = await bench.victim('executor', point)
      const sessions: string[] = []
      while (!victim.isPaused()) sessions.push(await filled(bench, victim))
      await victim.kill()
      for (const session of sessions) expect(await bench.world.verdict(session)).toEqual([])
      const hit = sessions.at(-1) ?? ''
      const started = await dataOf(bench.world, hit, 'context.compaction-started')
      const lost = await dataOf(bench.world, hit, 'context.compaction-failed')
      expect([started.length, lost.map(({ error }) => error.code)]).toEqual([attempts, attempts === 2 ? ['lost'] : []])
      expect(await dataOf(bench.world, hit, 'context.compacted')).toMatchObject([{ attempt: attempts, how: 'summary' }])
      for (const session of sessions) {
        expect(await dataOf(bench.world, session, 'context.compacted')).toHaveLength(1)
        await bench.world.api.turn(session, 'call mark_step_done {"step_name": "look", "result": "seen"}')
        const [plan] = (await dataOf(bench.world, session, 'plan.updated')).slice(-1)
        expect(plan?.steps.map(({ status }) => status)).toEqual(['completed', 'pending'])
      }
    },
  }
}

/** A session whose last message finds the window full; it is at rest, or the victim stands at its point. */
async function filled(bench: Bench, victim: ServiceProcess): Promise<string> {
  const { id } = (await bench.world.api.create(bench.slug, planned)).session
  const rests = async () => (await bench.world.checked(id)).atRest
  for (const message of [long, long]) {
    await eventually(rests)
    await bench.world.api.send(id, message)
  }
  await eventually(async () => victim.isPaused() || (await rests()))
  return id
}

export const compactionCases: readonly Case[] = [
  killedAt('executor.before-summary', 'an executor killed between the intent and the summary', 2),
  killedAt('executor.in-summary', 'an executor killed with a summary that is not recorded', 2),
  killedAt('executor.after-summary', 'an executor killed when its summary is in the log', 1),
]
