// A stream of events over a WebSocket: one message an item.

import type { Socket } from 'node:net'
import { errorTable } from '@reins/contracts'
import type { WebSocket } from 'ws'
import { endsOf } from '../../streams/readers/send-queues.ts'
import type { Sink } from '../../streams/sink.ts'

const graceMs = 1000

/** `connection`: the one below the WebSocket. */
export function socketSink(socket: WebSocket, connection: Socket): Sink {
  const ends = endsOf(connection)
  let sent = 0
  return {
    write(batch) {
      if (socket.readyState !== socket.OPEN) return
      for (const { bytes } of batch.items) {
        sent += bytes.length
        socket.send(bytes, { binary: false })
      }
    },
    sent: () => sent,
    buffered: () => socket.bufferedAmount,
    ends,
    heartbeat: () => {
      if (socket.readyState === socket.OPEN) socket.ping()
    },
    fail(error) {
      if (socket.readyState !== socket.OPEN) return
      socket.send(JSON.stringify({ type: 'error', error: error.body() }))
      socket.close(errorTable[error.code].retry === 'never' ? 1008 : 1013, error.code)
      setTimeout(() => {
        if (error.code === 'slow_consumer') connection.resetAndDestroy()
        else socket.terminate()
      }, graceMs).unref()
    },
    end() {
      socket.close(1001, 'the gateway is shutting down')
      setTimeout(() => socket.terminate(), graceMs).unref()
    },
    get closed() {
      return socket.readyState !== socket.OPEN
    },
    onClose: (on) => void socket.once('close', on),
  }
}
