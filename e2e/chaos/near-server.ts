// The same server as a program that a tool-runner starts: MCP over stdin and stdout. Its notes are lines of a file in its folder.
import { appendFileSync, readFileSync } from 'node:fs'
import { createInterface } from 'node:readline'
import { called, initialized, type Note, noted, notedTools } from './noted-calls.ts'

const [notes = 'near.txt'] = process.argv.slice(2)
const marks = `${notes}.marks`
const questions = new Map<string, number | string>()

const send = (message: object): void => void process.stdout.write(`${JSON.stringify({ jsonrpc: '2.0', ...message })}\n`)

/** In a file, since a program that is started anew has forgotten everything. */
function seen(mark: string): boolean {
  const was = read(marks).includes(mark)
  if (!was) appendFileSync(marks, `${mark}\n`)
  return was
}

function read(file: string): readonly string[] {
  try {
    return readFileSync(file, 'utf8').split('\n')
  } catch {
    return []
  }
}

interface Message {
  readonly id?: number | string
  readonly method?: string
  readonly params?: { readonly name: string; readonly arguments: Note }
}

function receive({ id, method, params }: Message): void {
  if (id === undefined) return
  if (method === undefined) {
    const call = questions.get(String(id))
    if (call !== undefined) send({ id: call, result: noted })
  } else if (method === 'initialize') send({ id, result: initialized })
  else if (method === 'tools/list') send({ id, result: { tools: notedTools } })
  else if (method === 'ping') send({ id, result: {} })
  else if (method !== 'tools/call' || !params) send({ id, error: { code: -32601, message: 'no such method' } })
  else call(id, params)
}

function call(id: number | string, { name, arguments: args }: NonNullable<Message['params']>): void {
  const reply = called(name, args, seen, (line) => appendFileSync(notes, `${line}\n`))
  switch (reply.kind) {
    case 'result':
      setTimeout(() => send({ id, result: reply.result }), reply.ms)
      return
    case 'asks': {
      const question = `question-${questions.size}`
      questions.set(question, id)
      send({ id: question, method: 'elicitation/create', params: reply.question })
      return
    }
    case 'error':
      send({ id, error: { code: reply.code, message: reply.message, data: reply.data } })
      return
    case 'breaks':
      process.exit(1)
      return
    default:
      reply satisfies never
  }
}

for await (const line of createInterface({ input: process.stdin })) if (line.trim() !== '') receive(JSON.parse(line))
process.exit(0)
