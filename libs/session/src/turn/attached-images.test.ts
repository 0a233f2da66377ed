import { childId, type ImagePart, type SessionEvent } from '@reins/contracts'
import { describe, expect, it } from 'vitest'
import { e, g, given, id, message, started, turn, types } from '../../test/given.ts'
import { promptChild } from '../delegation/errand-frames.ts'
import { standingErrands } from '../delegation/errands.ts'
import { plan } from '../deciding/plan.ts'
import { waitingBytes } from '../folding/weight.ts'

const image = { type: 'image', mimeType: 'image/png', ref: 'sha256-1', bytes: 9 } as const
const attached = (of: string, ...images: readonly ImagePart[]): SessionEvent => ({
  type: 'images.attached',
  data: { message: of, images: [...images] },
})

describe('images of a message', () => {
  it('are shown to the model with its words, and with those of no other message', () => {
    const { session } = given(g(started(), message('m1'), attached('m1', image)), g(message('m2')), e(turn('t3', 'm1')))
    expect(session.transcript.toArray()).toMatchObject([{ role: 'user', images: [image] }])
    expect(session.inbox).toMatchObject([{ message: 'm2' }])
    expect(session.inbox[0]).not.toHaveProperty('images')
  })

  it('go with it into a turn that runs', () => {
    const { session } = given(
      g(started(), message('m1')),
      e(turn('t2', 'm1')),
      g(message('m2', 'join'), attached('m2', image)),
      e({ type: 'message.joined', data: { message: 'm2', turn: 't2' } }),
    )
    expect(session.transcript.toArray().at(-1)).toMatchObject({ role: 'user', images: [image] })
  })

  it('are said once, and count as what waits', () => {
    const said = given(g(started(), message('m1'), attached('m1', image)))
    const again = said.and(g(attached('m1', image, image), attached('m9', image)))
    expect(again.session.inbox).toEqual(said.session.inbox)
    const inline = { type: 'image', mimeType: 'image/png', data: 'AAAA'.repeat(100) } as const
    const heavy = given(g(started(), message('m1'), attached('m1', inline)))
    expect(waitingBytes(heavy.session) - waitingBytes(said.session)).toBe(400)
  })
})

describe('images of a prompt of a run', () => {
  const child = childId(id, 'default/default')
  const prompted = (...beside: readonly SessionEvent[]) =>
    given(
      g(
        started(),
        { type: 'agents.declared', data: { agents: [], levels: 2, fanOut: 4, perTurn: 8, sessions: 9 } },
        { type: 'run.declared', data: { file: 'w.ts', digest: 'd' } },
        { type: 'run.invoked', data: { workflow: 'report', project: 'p' } },
      ),
      e({ type: 'run.replay-started', data: { replay: 'r2', attempt: 1 } }),
      e(
        { type: 'run.initialized', data: { position: 0, name: 'default', agent: 'helper', digest: 'h', pool: 'p' } },
        {
          type: 'run.prompted',
          data: {
            ...{ position: 1, name: 'default/default', harness: 'default', child, pool: 'p', levels: 1, sessions: 0 },
            content: [{ type: 'text', text: 'What is wrong here?' }],
          },
        },
        ...beside,
        { type: 'run.replay-ended', data: { replay: 'r2', attempt: 1, how: 'suspended' } },
      ),
    )

  it('are said again in the session below, whose model is shown them', () => {
    const run = prompted(attached('run-1', image), attached('run-1', image, image))
    const [errand] = standingErrands(run.session)
    if (errand?.kind !== 'prompt-child') throw new Error('no prompt')
    const fresh = given(e(started()))
    const told = promptChild({ session: fresh.session, head: fresh.head }, errand, run.session, null)
    expect(types(told?.events ?? [])).toEqual(['delegation.prompted', 'message.received', 'images.attached'])
    expect(told?.events.at(-1)).toEqual(attached('m-run-1', image))
    const below = fresh.and(e(...(told?.events ?? [])))
    const asked = below.and(e(...(plan(below.session, [], { n: 3, at: 1000, by: 'e1' }, true)?.events ?? [])))
    expect(asked.session.transcript.toArray()).toEqual([
      { role: 'user', content: [{ type: 'text', text: 'What is wrong here?' }], images: [image] },
    ])
  })

  it('are none where the run names none', () => {
    const run = prompted()
    const [errand] = standingErrands(run.session)
    expect(errand?.kind === 'prompt-child' && errand.prompt.images).toBeUndefined()
  })
})
