import type { Dispatcher } from 'undici'
import { expect, test } from 'vitest'
import { exchange } from './exchange.ts'

/** What undici is given, and what it then tells. */
function dispatched(body: string) {
  const given: { options?: Dispatcher.DispatchOptions; handler?: Dispatcher.DispatchHandler } = {}
  const dispatcher = {
    dispatch(options: Dispatcher.DispatchOptions, handler: Dispatcher.DispatchHandler) {
      Object.assign(given, { options, handler })
      return true
    },
  } as Dispatcher
  const { signal } = new AbortController()
  const reply = exchange(dispatcher, new URL('http://model.test/v1'), {
    ...{ headers: {}, body, signal, idleMs: 1000, wholeMs: 60_000 },
  })
  return { given, reply }
}

const takenFrom = (options: Dispatcher.DispatchOptions | undefined): Iterable<Uint8Array> =>
  (options as unknown as { readonly body: Iterable<Uint8Array> }).body

const controller = (): Dispatcher.DispatchController => ({
  ...{ aborted: false, paused: false, reason: null, rawHeaders: [Buffer.from('a'), Buffer.from('b')] },
  ...{ abort() {}, pause() {}, resume() {} },
})

test('a large body is gone when it has been taken, and a small one goes out as it is', () => {
  const small = dispatched('{}').given.options?.body as Buffer
  expect([small.toString(), small.buffer.byteLength]).toEqual(['{}', 2])
  const { options } = dispatched('x'.repeat(100_000)).given
  const taken = [...takenFrom(options)]
  expect(taken.map(({ byteLength }) => byteLength)).toEqual([100_000])
  expect(options?.headers).toMatchObject({ 'content-length': '100000' })
  expect([...takenFrom(options)]).toEqual([])
})

test('of the headers of an answer only what is read is kept', async () => {
  const { given, reply } = dispatched('{}')
  const control = controller()
  given.handler?.onRequestStart?.(control, undefined)
  given.handler?.onResponseStart?.(control, 200, { 'content-type': 'text/plain' })
  const answer = await reply
  expect([answer.status, answer.headers, control.rawHeaders]).toEqual([200, { 'content-type': 'text/plain' }, null])
  given.handler?.onResponseEnd?.(control, {})
  expect(await answer.read()).toBeUndefined()
})
