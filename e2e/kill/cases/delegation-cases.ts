// PROTOCOL 8, killed before and after each kind of append of a delegation: a lead, an agent below it and one below that. Each session
// settles once, and each answer comes back once.
import type { TreeStop } from '@reins/contracts'
import { expect } from 'vitest'
import { eventually } from '../../harness/eventually.ts'
import { childAt, dataOf, delegate } from '../../team/events.ts'
import { type Bench, type Case, countOf } from '../bench.ts'

/** Of the case's own pool, the agents that are written in place too: they have their parent's. */
const tree = (bench: Bench) =>
  bench.world.agent(bench.slug, {
    affinity: bench.labels,
    agents: [
      {
        name: 'middle',
        description: 'Delegate what has parts.',
        system_prompt: 'You do what you are told.',
        agents: [
          {
            name: 'leaf',
            description: 'Delegate the smallest part.',
            system_prompt: 'You do what you are told.',
            tools: ['shell'],
          },
        ],
      },
    ],
  })

function killedAt(point: string, title: string): Case {
  return {
    slug: `team-${point.replaceAll('.', '-')}`,
    title: `${title} (${point}): three levels of sessions settle once, and the tool at the bottom runs once`,
    async run(bench) {
      await tree(bench)
      const victim = await bench.victim('executor', point)
      const work = delegate({ agent: 'leaf', instruction: bench.leavesLine() })
      const begun = await bench.untilPaused(victim, delegate({ agent: 'middle', instruction: work }))
      await victim.kill()
      for (const log of await bench.allSound(begun))
        expect(countOf(log, 'turn.completed', { reason: 'answered' })).toBe(1)
      for (const { session } of begun) {
        const middle = await childAt(bench.world, session)
        const leaf = await childAt(bench.world, middle)
        for (const below of [middle, leaf]) {
          expect(await bench.world.verdict(below)).toEqual([])
          expect(await dataOf(bench.world, below, 'turn.completed')).toHaveLength(1)
        }
        for (const above of [session, middle])
          expect(await dataOf(bench.world, above, 'delegation.settled')).toMatchObject([{ status: 'completed' }])
        expect(bench.ran(leaf)).toBe(1)
      }
    },
  }
}

function killedInCancel(point: string): Case {
  return {
    slug: `team-cancel-${point.replaceAll('.', '-')}`,
    title: `an executor killed as a cancel goes down (${point}): no session of the tree runs on`,
    async run(bench) {
      await tree(bench)
      const victim = await bench.victim('executor', point)
      const hang = delegate({ agent: 'leaf', instruction: 'hang' })
      const trees: (readonly string[])[] = []
      while (!victim.isPaused()) {
        const { session } = await bench.begin(delegate({ agent: 'middle', instruction: hang }))
        const sessions = [session, ...(await bottomOf(bench, session))]
        trees.push(sessions)
        await bench.world.api.control(session, 'cancel')
        await eventually(async () => victim.isPaused() || (await allCancelled(bench, sessions)))
      }
      await victim.kill()
      for (const session of trees.flat()) {
        await eventually(async () => allCancelled(bench, [session]))
        expect(await bench.world.verdict(session)).toEqual([])
      }
    },
  }
}

async function allCancelled(bench: Bench, sessions: readonly string[]): Promise<boolean> {
  const ends = await Promise.all(sessions.map((session) => dataOf(bench.world, session, 'turn.cancelled')))
  return ends.every((one) => one.length === 1)
}

function killedInTreePause(point: string): Case {
  return {
    slug: `team-tree-pause-${point.replaceAll('.', '-')}`,
    title: `an executor killed as a pause goes down and its receipts come up (${point}): the tree stands still, and goes on`,
    async run(bench) {
      await tree(bench)
      const victim = await bench.victim('executor', point)
      const slow = delegate({ agent: 'leaf', instruction: 'stream 20 every 50' })
      const trees: string[] = []
      while (!victim.isPaused()) {
        const { session } = await bench.begin(delegate({ agent: 'middle', instruction: slow }))
        trees.push(session)
        await bottomOf(bench, session)
        await bench.world.api.once('POST', `/v1/sessions/${session}/pause?tree=true`)
        await eventually(async () => victim.isPaused() || (await isHeld(bench, session)))
      }
      await victim.kill()
      for (const session of trees) {
        await eventually(async () => isHeld(bench, session))
        await bench.world.api.control(session, 'resume')
        expect(await bench.world.verdict(session)).toEqual([])
        expect((await dataOf(bench.world, session, 'delegation.settled')).map(({ status }) => status)).toEqual([
          'completed',
        ])
      }
    },
  }
}

/** Its call is nobody's then: only the pause of the tree, or a resume, can bring it to an end. */
const killedAtItsModel: Case = {
  slug: 'team-tree-pause-lost-call',
  title: 'an executor killed with a model call of a tree that is paused meanwhile: the tree stands still, and goes on',
  async run(bench) {
    await tree(bench)
    const victim = await bench.victim('executor', 'executor.before-outcome')
    const trees: string[] = []
    while (!victim.isPaused()) {
      const { session } = await bench.begin(
        delegate({ agent: 'middle', instruction: delegate({ agent: 'leaf', instruction: 'stream 5 every 20' }) }),
      )
      trees.push(session)
      const ended = async () => (await dataOf(bench.world, session, 'turn.completed')).length > 0
      await eventually(async () => victim.isPaused() || (await ended()))
    }
    const last = trees.at(-1) ?? ''
    await bench.world.api.once('POST', `/v1/sessions/${last}/pause?tree=true`)
    await victim.kill()
    await eventually(async () => isHeld(bench, last))
    await bench.world.api.control(last, 'resume')
    for (const session of trees) {
      expect(await bench.world.verdict(session)).toEqual([])
      expect((await dataOf(bench.world, session, 'delegation.settled')).map(({ status }) => status)).toEqual([
        'completed',
      ])
    }
  },
}

async function isHeld(bench: Bench, session: string): Promise<boolean> {
  const { body } = await bench.world.api.once<{ stop: TreeStop | null }>('GET', `/v1/sessions/${session}/stop`)
  return body.stop?.complete === true
}

function killedInPause(point: string, title: string): Case {
  return {
    slug: `team-pause-${point.replaceAll('.', '-')}`,
    title: `${title} (${point}): the child goes on in the next turn, and its tool runs once`,
    async run(bench) {
      const { world } = bench
      await world.agent(bench.slug, {
        affinity: bench.labels,
        agents: [
          {
            name: 'careful',
            description: 'Delegate what a person must see first.',
            system_prompt: 'You do what you are told.',
            tools: [{ shell: { approval: 'always' } }],
            on_pause: 'return',
          },
        ],
      })
      const victim = await bench.victim('executor', point)
      const begun: { readonly session: string; readonly child: string }[] = []
      while (!victim.isPaused()) {
        const { session } = await bench.begin(delegate({ agent: 'careful', instruction: bench.leavesLine() }))
        const child = await bench.seen(() => childAt(world, session))
        begun.push({ session, child })
        const call = await bench.seen(async () => (await dataOf(world, child, 'approval.requested'))[0]?.call ?? '')
        const told = async () => (await dataOf(world, session, 'delegation.paused')).length > 0
        await eventually(async () => victim.isPaused() || (await told()))
        if (victim.isPaused()) await victim.kill()
        await eventually(told)
        await world.api.once('POST', `/v1/sessions/${child}/approvals/${call}`, { verdict: 'approved' })
        await world.api.send(session, delegate({ agent: 'careful', instruction: 'Go on.', execution_id: child }))
        const done = async () => (await dataOf(world, session, 'delegation.settled')).length > 0
        await eventually(async () => victim.isPaused() || (await done()))
        if (victim.isPaused()) await victim.kill()
        await eventually(done)
        if (!victim.alive()) break
      }
      for (const { session, child } of begun) {
        for (const one of [session, child]) expect(await world.verdict(one)).toEqual([])
        expect(await dataOf(world, session, 'delegation.settled')).toMatchObject([{ child, status: 'completed' }])
        expect(bench.ran(child)).toBe(1)
      }
    },
  }
}

/** The sessions below, when the last of them is at its model. */
async function bottomOf(bench: Bench, session: string): Promise<readonly string[]> {
  const middle = await bench.seen(() => childAt(bench.world, session))
  const leaf = await bench.seen(() => childAt(bench.world, middle))
  await bench.seen(async () => ((await dataOf(bench.world, leaf, 'model-call.started')).length > 0 ? leaf : ''))
  return [middle, leaf]
}

export const delegationCases: readonly Case[] = [
  killedAt('executor.before-create-child', 'an executor killed before it makes a child'),
  killedAt('executor.after-create-child', 'an executor killed when it has made a child'),
  killedAt('executor.before-settle-parent', 'an executor killed before it tells the parent'),
  killedAt('executor.after-settle-parent', 'an executor killed when it has told the parent'),
  killedInCancel('executor.before-cancel-child'),
  killedInCancel('executor.after-cancel-child'),
  killedInTreePause('executor.before-pause-child'),
  killedInTreePause('executor.before-tell-held'),
  killedAtItsModel,
  killedInPause('executor.before-resume-child', 'an executor killed before it lets a child go on'),
  killedInPause('executor.after-resume-child', 'an executor killed when it has let a child go on'),
]
