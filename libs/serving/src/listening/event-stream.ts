// A conversation as server-sent events.
//   ES1. Nothing is read ahead of the reader: what it does not take waits at the gateway, which has its own limits. A reader that takes
//        nothing for a while is cut off, and holds nobody up.
//   ES2. A silent stream says something now and then, so that nobody between the two takes it for dead.
//   ES3. It begins when the first event is there: what goes wrong before is an error of its own, with a status.
import type { ServerResponse } from 'node:http'
import { frameOf } from '@reins/client'
import type { Told } from '../conversation/tell.ts'

export interface EventStreamLimits {
  readonly heartbeatMs: number
  /** ms in which a reader takes what was written. */
  readonly stalledMs: number
}

export const streamHeaders: Readonly<Record<string, string>> = {
  'content-type': 'text/event-stream; charset=utf-8',
  'cache-control': 'no-store',
  // nginx would collect it otherwise.
  'x-accel-buffering': 'no',
}

/** Resolves when all was told, or the reader has left. */
export async function writeEvents(
  response: ServerResponse,
  events: AsyncIterable<Told>,
  { heartbeatMs, stalledMs }: EventStreamLimits,
): Promise<void> {
  response.writeHead(200, streamHeaders)
  response.flushHeaders()
  response.socket?.setNoDelay(true)
  const alive = setInterval(() => {
    if (!response.writableNeedDrain) response.write(': alive\n\n') // ES2
  }, heartbeatMs)
  try {
    for await (const { event, cursor } of events) {
      if (response.destroyed) return
      const written = response.write(`id: ${cursor}\ndata: ${JSON.stringify(frameOf(event))}\n\n`)
      if (!written && !(await drained(response, stalledMs))) return void response.destroy() // ES1
    }
  } finally {
    clearInterval(alive)
    if (!response.destroyed) response.end()
  }
}

function drained(response: ServerResponse, withinMs: number): Promise<boolean> {
  const { promise, resolve } = Promise.withResolvers<boolean>()
  const yes = () => resolve(true)
  const no = () => resolve(false)
  const late = setTimeout(no, withinMs)
  response.once('drain', yes).once('close', no)
  return promise.finally(() => {
    clearTimeout(late)
    response.off('drain', yes).off('close', no)
  })
}
