import { expect, test } from 'vitest'
import type { Broker } from './broker.ts'
import { callService } from './requests.ts'

const reply = { kind: 'reply', msg: { string: () => JSON.stringify({ ok: true, value: 'done' }) } }

/** Asked in turn: what they are asked, and the answers, which the test gives. */
function broker() {
  const asked: { readonly subject: string; answer(outcome: object): void }[] = []
  const request = (subject: string): Promise<object> => {
    const { promise, resolve } = Promise.withResolvers<object>()
    asked.push({ subject, answer: resolve })
    return promise
  }
  return { asked, broker: { request } as unknown as Broker }
}
const turn = (): Promise<void> => new Promise((resolve) => setImmediate(resolve))

test('a request that may take long is sent when its service has said that it is there', async () => {
  const { asked, broker: caller } = broker()
  const answer = callService<string>(caller, 'svc.registry.secrets.rotate', {}, 60_000)
  await turn()
  // Else a process that is killed in the middle of it has not said so, and is not missed.
  expect(asked.map(({ subject }) => subject)).toEqual(['svc.registry.here'])
  asked[0]?.answer(reply)
  await turn()
  expect(asked.map(({ subject }) => subject)).toEqual(['svc.registry.here', 'svc.registry.secrets.rotate'])
  asked[1]?.answer(reply)
  expect(await answer).toEqual({ ok: true, value: 'done' })
})

test('it is sent also to a service that does not say so, and a quick one is sent at once', async () => {
  const { asked, broker: caller } = broker()
  const older = callService<string>(caller, 'svc.registry.secrets.rotate', {}, 60_000)
  await turn()
  asked[0]?.answer({ kind: 'no-responders' })
  await turn()
  asked[1]?.answer(reply)
  expect(await older).toEqual({ ok: true, value: 'done' })
  void callService<string>(caller, 'svc.registry.agents.list', {}, 5000)
  await turn()
  expect(asked[2]?.subject).toBe('svc.registry.agents.list')
})

test('an answer that is none is `unavailable`, whatever stands there', async () => {
  for (const said of ['garbage', '', 'null', '[]', '{}', '{"ok":false}', '{"ok":false,"error":"x"}']) {
    const msg = { string: () => said }
    const caller = { request: async () => ({ kind: 'reply', msg }) } as unknown as Broker
    const answer = await callService(caller, 'svc.registry.put', {})
    expect(answer).toMatchObject({ ok: false, error: { code: 'unavailable' } })
  }
})
