// A call, in its time, to its outcome. Never throws, never rejects: every error is an outcome.
import { tools } from '../builtin/builtin.ts'
import type { ToolContext } from './context.ts'
import { CallClock } from './call-clock.ts'
import { afterReading } from './pace.ts'
import { asFailure, failed, ToolFailure, type ToolOutcome } from './outcome.ts'
import type { TimePolicy } from '../source.ts'

/** Runs `work` with a signal that aborts when the call is cancelled, and, where the runner keeps the time, when that is over. */
export async function inTime(
  name: string,
  time: TimePolicy,
  cancelled: AbortSignal,
  work: (signal: AbortSignal) => Promise<ToolOutcome>,
  clock: CallClock = new CallClock(),
): Promise<ToolOutcome> {
  if (cancelled.aborted) return failed(new ToolFailure('cancelled', 'cancelled before it began'))
  // Aborted by either: AbortSignal.any() costs a quick call a fifth of its time, in weak references that are collected.
  const stop = new AbortController()
  const onCancel = () => stop.abort(cancelled.reason)
  cancelled.addEventListener('abort', onCancel, { once: true })
  let ended = false
  let late = false
  const idle = () => ended || clock.paused
  const onTimeOver = async () => {
    await afterReading(idle)
    if (clock.paused || ended) return
    late = true
    stop.abort()
  }
  if (time.keptBy === 'runner') clock.after(time.ms, () => void onTimeOver())
  const abandoned = new Promise<ToolOutcome>((resolve) => {
    clock.after(
      time.ms + time.graceMs,
      () => void afterReading(idle).then(() => clock.paused || resolve(failed(neverEnded))),
    )
  })
  try {
    const working = work(stop.signal)
    return await Promise.race([working, abandoned])
  } catch (error) {
    if (error instanceof ToolFailure) return failed(error)
    if (cancelled.aborted) return failed(new ToolFailure('cancelled', 'cancelled'))
    if (late) return failed(timedOut(time))
    return failed(asFailure(error, name))
  } finally {
    ended = true
    cancelled.removeEventListener('abort', onCancel)
    clock.stop()
  }
}

const neverEnded = new ToolFailure(
  'timeout',
  'the tool did not end in its time, and did not let itself be stopped. What it did is not known',
)

const timedOut = ({ ms, hint = 'ask for less, for example a smaller folder' }: TimePolicy): ToolFailure =>
  new ToolFailure('timeout', `timed out after ${ms / 1000} s; ${hint}`)

/** Runs one of the built-in tools in this thread. */
export async function runTool(name: string, args: unknown, context: ToolContext): Promise<ToolOutcome> {
  const tool = tools.find(({ definition }) => definition.name === name)
  if (tool === undefined) {
    const names = tools.map(({ definition }) => definition.name).join(', ')
    const message = `unknown tool ${JSON.stringify(name.slice(0, 100))}. There are: ${names}`
    return failed(new ToolFailure('invalid-arguments', message))
  }
  return inTime(name, tool.definition.time(context.settings.timeoutMs), context.signal, (signal) =>
    tool.run(args, { ...context, signal }),
  )
}
