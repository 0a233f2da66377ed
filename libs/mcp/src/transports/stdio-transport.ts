// A program that speaks MCP over stdin and stdout, confined as commands of the shell tool are.
//   P1. One line is one message, bounded; lines that are none are let pass up to a number, then the program is no MCP server.
//   P2. When it is closed, everything that it started ends. Of what it says on stderr the end is kept.
//   P4. A program that asks and does not read the answers is ended: they would wait here without end.
//   P5. A program that asks without end is ended: so many requests of it have no answer, or so many answers wait until it reads them.
//   P3. It and all that it starts hold no more memory than a command of the shell may; otherwise they are ended.
import type { Transport } from '@modelcontextprotocol/sdk/shared/transport.js'
import { type JSONRPCMessage, JSONRPCMessageSchema } from '@modelcontextprotocol/sdk/types.js'
import { type Passed, type Sandbox, type SandboxCommand, type SandboxProcess, watchLimits } from '@reins/tools'
import { notConnected } from '../failures.ts'
import { limits } from '../limits.ts'
import { OpenRequests } from '../calls/open-requests.ts'

export class StdioTransport implements Transport {
  onclose?: () => void
  onerror?: (error: Error) => void
  onmessage?: (message: JSONRPCMessage) => void
  readonly #sandbox: Sandbox
  readonly #command: SandboxCommand
  readonly #open = new OpenRequests<true>()
  #process: SandboxProcess | null = null
  #line: Buffer[] = []
  #bytes = 0
  #stray = 0
  #stderr = ''
  /** All messages that wait for room wait for the same. */
  #draining: Promise<void> | undefined
  /** How many those are. */
  #waiting = 0
  /** Requests of the program that have no answer yet, and were not taken back. */
  readonly #asked = new Set<string | number>()
  /** Why it is over; '' while it is not. */
  #ended = ''

  constructor(sandbox: Sandbox, command: SandboxCommand) {
    this.#sandbox = sandbox
    this.#command = command
  }

  /** What it said last on stderr. */
  get stderr(): string {
    return this.#stderr
  }

  get ended(): string {
    return this.#ended
  }

  async start(): Promise<void> {
    const spawned = this.#sandbox.spawn({ ...this.#command, input: 'pipe' })
    if (spawned.kind === 'refused') throw new Error(this.#end(spawned.message))
    const { process } = spawned
    this.#process = process
    const { memoryBytes = 0 } = this.#sandbox
    const over = (passed: Passed) =>
      this.#break(
        passed === 'processes'
          ? 'it started more processes than it may have at once, and was ended'
          : `it held more memory than it may (${Math.round(memoryBytes / 1024 ** 2)} MB), and was ended; the operator can raise --shell-memory`,
      )
    const watch = watchLimits(process, this.#sandbox.memoryBytes, over, limits.memoryLookMs) // P3
    process.stdin?.on('error', () => undefined)
    process.stdout.on('data', (chunk: Buffer) => this.#take(chunk))
    process.stdout.on('error', () => undefined)
    process.stderr.on('error', () => undefined)
    process.stderr.on('data', (chunk: Buffer) => {
      this.#stderr = (this.#stderr + chunk.toString('utf8')).slice(-limits.stderrChars)
    })
    void process.exit.then((exit) => {
      watch.end()
      this.#process = null
      this.#end(
        exit.kind === 'not-started'
          ? `it did not start: ${exit.message}`
          : exit.signal === undefined
            ? `its process ended with code ${exit.code}`
            : `its process was ended by ${exit.signal}`,
      )
      this.onclose?.()
    })
  }

  async send(message: JSONRPCMessage): Promise<void> {
    const stdin = this.#process?.stdin
    if (!stdin || this.#ended !== '') throw this.#gone()
    if (!('method' in message) && message.id !== undefined) this.#asked.delete(message.id)
    this.#open.sent(message, true)
    // P4.
    if (stdin.writableLength > limits.unreadBytes) {
      this.#break(`it does not read what it is told: ${limits.unreadBytes / 1024 / 1024} MB wait for it`)
      throw this.#gone()
    }
    if (stdin.write(`${JSON.stringify(message)}\n`)) return
    this.#draining ??= drained(stdin).finally(() => {
      this.#draining = undefined
    })
    // P5.
    if (++this.#waiting > limits.repliesWaiting) this.#break('it asks, and does not read the answers')
    await this.#draining
    this.#waiting -= 1
  }

  #gone(): Error {
    return Object.assign(new Error(this.#ended || 'its process is gone'), { code: notConnected })
  }

  async close(): Promise<void> {
    const process = this.#process
    this.#end('it was closed')
    if (!process) return
    process.stdin?.end()
    process.stop(500)
    await process.exit
  }

  #end(why: string): string {
    if (this.#ended === '') this.#ended = why
    return this.#ended
  }

  /** P1. */
  #take(chunk: Buffer): void {
    let from = 0
    for (let at = chunk.indexOf(10); at >= 0; at = chunk.indexOf(10, from)) {
      this.#line.push(chunk.subarray(from, at))
      const line = Buffer.concat(this.#line).toString('utf8')
      this.#line = []
      this.#bytes = 0
      from = at + 1
      if (line.trim() !== '') this.#message(line)
      if (this.#ended !== '') return
    }
    if (from === chunk.length) return
    this.#line.push(chunk.subarray(from))
    this.#bytes += chunk.length - from
    if (this.#bytes > limits.messageBytes)
      this.#break(`it sent a message of more than ${limits.messageBytes / 1024 / 1024} MB`)
  }

  #message(line: string): void {
    const message = messageOf(line)
    const wrong = message && 'method' in message ? this.#asks(message) : undefined
    if (wrong !== undefined) this.#break(wrong)
    else for (const heard of message ? this.#open.heard(message) : []) this.onmessage?.(heard)
    if (!message && ++this.#stray > limits.strayLines) this.#break('what it writes to stdout is no MCP')
  }

  /** P5. What is wrong with it; undefined: nothing is. */
  #asks(message: Extract<JSONRPCMessage, { method: string }>): string | undefined {
    const taken = message.method === 'notifications/cancelled' ? message.params?.requestId : undefined
    if (typeof taken === 'string' || typeof taken === 'number') this.#asked.delete(taken)
    if (!('id' in message)) return undefined
    if (this.#asked.has(message.id)) return 'it asks again under an id whose answer is still to come'
    this.#asked.add(message.id)
    return this.#asked.size > limits.repliesWaiting
      ? `it asks more than ${limits.repliesWaiting} things at once`
      : undefined
  }

  #break(why: string): void {
    this.#end(why)
    this.#line = []
    this.#process?.stop(0)
  }
}

function messageOf(line: string): JSONRPCMessage | null {
  try {
    const parsed = JSONRPCMessageSchema.safeParse(JSON.parse(line))
    return parsed.success ? parsed.data : null
  } catch {
    return null
  }
}

/** Until it takes more, or is closed. Nothing of this stays with it: a server may never read on, and be told things without end. */
function drained(stdin: NodeJS.WritableStream): Promise<void> {
  return new Promise((resolve) => {
    const done = () => {
      stdin.off('drain', done).off('close', done)
      resolve()
    }
    stdin.on('drain', done).on('close', done)
  })
}
