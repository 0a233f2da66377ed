import type { Reply } from '@reins/contracts'
import { expect, test } from 'vitest'
import { dispatches } from './dispatches.ts'
import { runCompactions } from './run-compactions.ts'

const unavailable = { ok: false, error: { code: 'unavailable', message: 'Nobody is there.' } } as const
const signal = new AbortController().signal

/** Answers with these, one after the other. */
function answering<T>(...replies: readonly Reply<T>[]) {
  const asked: { readonly subject: string; readonly request: unknown }[] = []
  return {
    asked,
    call: async (subject: string, request: unknown): Promise<Reply<T>> => {
      asked.push({ subject, request })
      return replies[asked.length - 1] ?? replies.at(-1) ?? { ...unavailable }
    },
  }
}

test('a dispatch is masked, sent again while no gateway answers, and gives its receipt', async () => {
  const receipt = { dispatchId: 'm1', acceptedAt: '2026-01-01T00:00:00.000Z' }
  const gateway = answering({ ...unavailable }, { ok: true, value: receipt })
  const dispatch = dispatches({
    call: gateway.call,
    mask: (value) => JSON.parse(JSON.stringify(value).replace('s3', '*')),
  })
  expect(await dispatch({ project: 'p' }, { agent: 'a', id: '1', input: 's3', idempotencyKey: 'k' }, signal)).toEqual(
    receipt,
  )
  const request = { sender: { project: 'p' }, dispatch: { agent: 'a', id: '1', input: '*', idempotencyKey: 'k' } }
  expect(gateway.asked).toEqual(Array(2).fill({ subject: 'svc.session-gateway.dispatch', request }))
})

test('a dispatch that is refused says why and what to do, and is sent once', async () => {
  const error = { code: 'forbidden', message: 'It may not.', next: 'Ask.' } as const
  const gateway = answering<never>({ ok: false, error })
  const sent = dispatches({ call: gateway.call, mask: (value) => value })({ agent: 'a' }, {}, signal)
  await expect(sent).rejects.toThrow(expect.objectContaining({ message: 'It may not. Ask.', code: 'forbidden' }))
  expect(gateway.asked).toHaveLength(1)
})

test('a dispatch that no gateway takes is given up, and one whose code is gone', async () => {
  const never = answering<never>()
  const options = { call: never.call, mask: (value: unknown) => value, withinMs: 0 }
  await expect(dispatches(options)({ agent: 'a' }, {}, signal)).rejects.toThrow('Nobody is there.')
  const gone = AbortSignal.abort(new Error('gone'))
  await expect(dispatches(options)({ agent: 'a' }, {}, gone)).rejects.toThrow('gone')
})

const asked = { session: 's', key: 'k', project: 'p' }
const ok = <T>(value: T): Reply<T> => ({ ok: true, value })

test('a compaction is asked after until it is done, and is none where there is nothing to leave out', async () => {
  const gateway = answering<object>(ok({ kind: 'open' }), { ...unavailable }, ok({ kind: 'done', how: 'summary' }))
  expect(await runCompactions(gateway.call as never)(asked, signal)).toEqual({ compacted: true })
  expect(gateway.asked).toHaveLength(3)
  expect(await runCompactions(answering(ok({ kind: 'nothing' })).call as never)(asked, signal)).toEqual({
    compacted: false,
  })
})

test('a compaction without a summary is an error', async () => {
  const gateway = answering(ok({ kind: 'done', how: 'dropped' }))
  const compacted = runCompactions(gateway.call as never)(asked, signal)
  await expect(compacted).rejects.toThrow(expect.objectContaining({ code: 'compaction-failed' }))
})
