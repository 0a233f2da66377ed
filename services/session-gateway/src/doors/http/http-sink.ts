// A stream of events over HTTP: server-sent events, or lines of JSON.
import type { ServerResponse } from 'node:http'
import type { Form } from '../../streams/batch.ts'
import { endsOf } from '../../streams/send-queues.ts'
import type { Sink } from '../../streams/sink.ts'

/** ms in which a slow reader may still take the reason. */
const graceMs = 1000

export type HttpForm = 'sse' | 'ndjson'

const contentTypes: Readonly<Record<HttpForm, string>> = {
  sse: 'text/event-stream; charset=utf-8',
  ndjson: 'application/x-ndjson; charset=utf-8',
}

const forms: Readonly<Record<HttpForm, Form>> = {
  sse: (items) => items.map(({ cursor, type, json }) => `id: ${cursor}\nevent: ${type}\ndata: ${json}\n\n`).join(''),
  ndjson: (items) => items.map(({ json }) => `${json}\n`).join(''),
}

/** Takes the response over: sends its headers at once. */
export function httpSink(raw: ServerResponse, form: HttpForm, headers: Readonly<Record<string, string>>): Sink {
  raw.writeHead(200, {
    ...headers,
    'content-type': contentTypes[form],
    'cache-control': 'no-store',
    'x-accel-buffering': 'no',
  })
  raw.socket?.setNoDelay(true)
  // Something must be sent at once: a client learns from it that the stream is open.
  raw.write(form === 'sse' ? 'retry: 500\n: open\n\n' : '\n')
  // Of the connection that it had when it began: `raw` lets go of it at its end.
  const { socket } = raw
  const ends = socket ? endsOf(socket) : undefined
  let sent = 0
  const write = (data: string | Buffer) => {
    if (!raw.destroyed && !raw.writableEnded) raw.write(data)
  }
  return {
    write: (batch) => {
      const bytes = batch.as(forms[form])
      sent += bytes.length
      write(bytes)
    },
    sent: () => sent,
    buffered: () => raw.writableLength,
    ends,
    heartbeat: () => write(form === 'sse' ? ': alive\n\n' : '\n'),
    fail(error) {
      if (raw.writableEnded) return
      const body = JSON.stringify({ error: error.body() })
      raw.end(form === 'sse' ? `event: error\ndata: ${body}\n\n` : `${body}\n`)
      setTimeout(() => {
        // After a plain end the system would go on holding what a reader does not take, for minutes.
        if (error.code === 'slow_consumer') socket?.resetAndDestroy()
        else raw.destroy()
      }, graceMs).unref()
    },
    end: () => {
      if (!raw.writableEnded) raw.end()
    },
    get closed() {
      return raw.destroyed || raw.writableEnded
    },
    onClose: (on) => void raw.once('close', on),
  }
}
