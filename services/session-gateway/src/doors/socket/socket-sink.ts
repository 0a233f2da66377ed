// A stream of events over a WebSocket: one message an item.
import { errorTable } from '@reins/contracts'
import type { WebSocket } from 'ws'
import type { Sink } from '../../streams/sink.ts'

const graceMs = 1000

export function socketSink(socket: WebSocket): Sink {
  return {
    write(batch) {
      if (socket.readyState !== socket.OPEN) return
      for (const { json } of batch.items) socket.send(json)
    },
    buffered: () => socket.bufferedAmount,
    drained: () =>
      new Promise((resolve) => {
        if (socket.readyState !== socket.OPEN) return resolve(false)
        socket.ping('', false, () => resolve(socket.readyState === socket.OPEN))
      }),
    heartbeat: () => {
      if (socket.readyState === socket.OPEN) socket.ping()
    },
    fail(error) {
      if (socket.readyState !== socket.OPEN) return
      socket.send(JSON.stringify({ type: 'error', error: error.body() }))
      socket.close(errorTable[error.code].retry === 'never' ? 1008 : 1013, error.code)
      setTimeout(() => socket.terminate(), graceMs).unref()
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
