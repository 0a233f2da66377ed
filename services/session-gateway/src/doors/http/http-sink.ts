// A stream of events over HTTP: server-sent events, or lines of JSON.
//   HS1. What is written in one turn of the event loop leaves in one system call at its end. With many streams these calls cost more
//        than everything else together.
//   HS2. A chunk is framed once for all connections, and goes to the socket past the response, whose own way takes four pieces and a
//        gathering write for each chunk. Only where the response sends chunks on a connection that is its own already: not for HTTP/1.0,
//        nor behind a request that is still being answered, nor for HEAD. The response sends its head and its end alone: it keeps back
//        what is written through it, and would send it in the wrong place.
import type { ServerResponse } from 'node:http'
import type { Socket } from 'node:net'
import { atEndOfTurn } from '@reins/service'
import type { Form } from '../../streams/batch.ts'
import { endsOf } from '../../streams/readers/send-queues.ts'
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

/** With its chunk's frame around it (RFC 9112, 7.1). */
const chunkOf = (text: string): string => `${Buffer.byteLength(text).toString(16)}\r\n${text}\r\n`

const chunks: Readonly<Record<HttpForm, Form>> = {
  sse: (items) => chunkOf(forms.sse(items)),
  ndjson: (items) => chunkOf(forms.ndjson(items)),
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
  // Of the connection that it had when it began: `raw` lets go of it at its end.
  const { socket } = raw
  const ends = socket ? endsOf(socket) : undefined
  const past = socket && raw.chunkedEncoding && raw.req.method !== 'HEAD' ? socket : undefined // HS2
  let sent = 0
  let held = false
  const letGo = (): void => {
    held = false
    past?.uncork()
  }
  /** HS1 */
  const hold = (to: Socket): void => {
    if (held) return
    held = true
    to.cork()
    atEndOfTurn(letGo)
  }
  const write = (text: string): void => {
    if (raw.destroyed || raw.writableEnded) return
    if (!past) return void raw.write(text)
    hold(past)
    past.write(chunkOf(text))
  }
  if (past) {
    hold(past)
    raw.flushHeaders()
  }
  // Something must be sent at once: a client learns from it that the stream is open.
  write(form === 'sse' ? 'retry: 500\n: open\n\n' : '\n')
  return {
    write: (batch) => {
      const bytes = batch.as(past ? chunks[form] : forms[form])
      sent += bytes.length
      if (raw.destroyed || raw.writableEnded) return
      if (!past) return void raw.write(bytes)
      hold(past)
      past.write(bytes)
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
