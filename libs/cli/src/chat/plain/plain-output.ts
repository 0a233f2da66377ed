// What an agent does, as plain lines: `Calling name(args)... Done.`, and answers as they come. Nothing is ever painted over.
import type { AgentEvent } from '@reins/client'
import { neutralise, oneLine } from '../../text/neutralise.ts'

const mostArgs = 200

export class PlainOutput {
  readonly #write: (text: string) => void
  /** The tool whose line has no end yet. */
  #calling: string | undefined
  /** The last thing that was written is no whole line. */
  #within = false
  #toolsBefore = false
  #said = ''

  constructor(write: (text: string) => void) {
    this.#write = write
  }

  line(text: string): void {
    this.#endLine()
    this.#write(`${text}\n`)
  }

  /** Without an end: what is typed follows. */
  prompt(text: string): void {
    this.#endLine()
    this.#write(text)
  }

  show(event: AgentEvent): void {
    switch (event.kind) {
      case 'token':
        this.#token(event.text)
        return
      case 'tool_start':
        this.#endLine()
        this.#said = ''
        this.#calling = event.name
        this.#within = true
        this.#write(`Calling ${oneLine(event.name)}(${argsText(event.args)})...`)
        return
      case 'tool_done': {
        const how = event.status === 'success' ? 'Done.' : 'Failed.'
        if (this.#calling === event.name) this.#write(` ${how}\n`)
        else this.line(`${oneLine(event.name)}... ${how}`)
        this.#calling = undefined
        this.#within = false
        this.#toolsBefore = true
        return
      }
      case 'chat_response': {
        // What the tokens did not say: nothing of an answer is left out.
        if (event.content !== '' && !this.#said.endsWith(event.content)) {
          this.#endLine()
          this.#token(event.content)
        }
        this.#said = ''
        this.#toolsBefore = false
        this.line('')
        return
      }
      case 'session_end':
        this.line(`The session has ended: ${event.reason}, after ${event.turns} turns.`)
        return
      case 'error':
        this.#said = ''
        this.line(`Error: ${neutralise(event.message)}\n`)
        return
      case 'session_id':
      case 'approval':
      case 'elicitation':
        return
      default:
        event satisfies never
    }
  }

  #token(text: string): void {
    if (this.#calling !== undefined) this.#endLine()
    if (this.#toolsBefore) this.#write('\n')
    this.#toolsBefore = false
    this.#write(neutralise(text))
    this.#said += text
    this.#within = !text.endsWith('\n')
  }

  #endLine(): void {
    if (this.#within) this.#write('\n')
    this.#within = false
    this.#calling = undefined
  }
}

/** `cmd="ls -la", limit=5` */
function argsText(args: Readonly<Record<string, unknown>>): string {
  const text = Object.entries(args)
    .map(([name, value]) => `${oneLine(name)}=${oneLine(JSON.stringify(value) ?? 'null')}`)
    .join(', ')
  return text.length > mostArgs ? `${text.slice(0, mostArgs)}…` : text
}
