// A host at work: it loads the bundle, runs calls side by side, and says what comes of them.
//   H1. Each call runs in an async context of its own: what is printed, thrown or left unhandled belongs to the call that did it.
//   H2. What cannot be stopped from inside (a loop, memory, code that ignores its signal) is stopped from outside, with the process.
//   H3. It holds no truth: it may be killed at any line.
import { Socket } from 'node:net'
import { FrameReader } from '../frames.ts'
import type { HostLimits, ToHost } from '../messages.ts'
import { type Call, Calls } from './calls.ts'
import { emptyEnvironment } from './config.ts'
import { captureOutput, keepAlive } from './confine.ts'
import { loadBundle } from './exports.ts'
import { Instances } from './instances.ts'
import { say } from './say.ts'
import { messageOf } from './thrown.ts'

const longestFrame = 64 * 1024 * 1024

export async function serve(bundleUrl: string, limits: HostLimits): Promise<void> {
  emptyEnvironment()
  const exit = keepAlive()
  const calls = new Calls(limits)
  captureOutput((text) => calls.printed(text))
  const caught = (error: unknown): void => {
    const call: Call | undefined = calls.current()
    if (call) calls.end(call, { kind: 'error', code: 'failed', message: messageOf(error), goesOn: true })
    else say({ kind: 'log', level: 'warn', message: `an error that no call waited for: ${messageOf(error)}` })
  }
  process.on('uncaughtException', caught)
  process.on('unhandledRejection', caught)

  const take = (message: ToHost): void => {
    switch (message.kind) {
      case 'run':
        calls.run(message)
        break
      case 'cancel':
        calls.cancel(message.id)
        break
      case 'answer':
        calls.answered(message.request, message.answer)
        break
      case 'ping':
        say({ kind: 'pong', id: message.id })
        break
      case 'start':
        break
      default:
        message satisfies never
    }
  }
  const reader = new FrameReader(
    longestFrame,
    (message) => take(message as ToHost),
    () => exit(1),
  )
  // Who started it is gone.
  const input = new Socket({ fd: 4, readable: true, writable: false })
  input.on('data', (chunk: Buffer) => reader.push(chunk))
  input.on('error', () => exit(0))
  input.on('close', () => exit(0))

  const bundle = await loadBundle(bundleUrl, limits.probes)
  if (bundle.kind === 'loaded') {
    calls.tools = bundle.tools
    calls.workflow = bundle.workflow
    if (bundle.project) calls.instances = new Instances(bundle.project, bundle.inline)
    calls.project = bundle.project
    calls.inline = bundle.inline
    calls.app = bundle.form
  }
  say(
    bundle.kind === 'loaded'
      ? { kind: 'loaded', found: bundle.found }
      : { kind: 'not-loaded', message: bundle.message },
  )
}
