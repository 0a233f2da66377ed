// The process in which file and search tools run, so that no call can stop the process that serves everybody: it can be ended at any
// moment. It holds nothing between two calls. Locks of paths are the pool's, which outlives it.
import type { Locks } from '../calls/path-locks.ts'
import { ToolFailure, type ToolOutcome } from '../calls/outcome.ts'
import { runTool } from '../calls/run.ts'
import { refusal } from '../sandbox/sandbox.ts'
import type { VirtualEntry } from '../virtual/files.ts'
import { alsoMask } from '../workspace/masks.ts'
import type { FromWorker, ToWorker, WorkerCall } from './messages.ts'

const say = (message: FromWorker): void => void process.send?.(message)
// Whoever started it is gone.
process.on('disconnect', () => process.exit())

let cancel = new AbortController()
let locked = Promise.withResolvers<void>()

const locks: Locks = {
  async hold(key, signal, work) {
    signal.throwIfAborted()
    locked = Promise.withResolvers<void>()
    say({ kind: 'lock', key })
    const onAbort = () => locked.reject(signal.reason)
    signal.addEventListener('abort', onAbort, { once: true })
    try {
      await locked.promise
      return await work()
    } finally {
      signal.removeEventListener('abort', onAbort)
      say({ kind: 'unlock' })
    }
  },
}

process.on('message', (message: ToWorker) => {
  switch (message.kind) {
    case 'moved':
      alsoMask(message.paths)
      break
    case 'run':
      cancel = new AbortController()
      void run(message.call)
      break
    case 'cancel':
      cancel.abort()
      break
    case 'locked':
      locked.resolve()
      break
    default:
      message satisfies never
  }
})

async function run(asked: WorkerCall): Promise<void> {
  if (asked.files) return say({ kind: 'done', outcome: await inMemory(asked, asked.files) })
  const { name, arguments: args, files: _, ...call } = asked
  const outcome = await runTool(name, args, {
    ...call,
    signal: cancel.signal,
    sandbox: {
      kind: 'none',
      detail: '',
      networkAllowed: false,
      filtered: false,
      spawn: () => ({ kind: 'refused', message: refusal }),
    },
    progress: () => {},
    keep: () => Promise.reject(new Error('nothing is kept by a tool that runs in a worker')),
    locks,
  })
  say({ kind: 'done', outcome })
}

/** The interpreter is read when it is needed first: most workers never do. */
async function inMemory(call: WorkerCall, files: readonly VirtualEntry[]): Promise<ToolOutcome> {
  const { runVirtual, virtualFailure } = await import('../virtual/run-virtual.ts')
  try {
    return await runVirtual({ ...call, files, signal: cancel.signal })
  } catch (error) {
    return virtualFailure(cancel.signal.aborted ? new ToolFailure('cancelled', 'cancelled') : error)
  }
}

say({ kind: 'ready' })
