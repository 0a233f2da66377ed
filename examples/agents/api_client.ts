// Talks to an agent that is served to programs. It needs Node alone:
//   npx reins agent apply --file examples/agents/assistant.yaml
//   npx reins agent start assistant --mode api --port 9100
//   node examples/agents/api_client.ts http://127.0.0.1:9100 .reins/admin.token
// The second argument is a file with your token. Each line that you type is a message; Ctrl-D leaves.
import { readFileSync } from 'node:fs'
import { argv, stdin, stdout } from 'node:process'
import { createInterface } from 'node:readline'
import { setTimeout as wait } from 'node:timers/promises'

const [, , base = 'http://127.0.0.1:9100', tokenFile = '.reins/admin.token', session] = argv
const token = readFileSync(tokenFile, 'utf8').trim()
/** For how long it is tried to come back to an interrupted stream. */
const patienceMs = 60_000

interface Frame {
  readonly type: string
  readonly [field: string]: unknown
}

let current = session
let lastId: string | undefined

const lines = createInterface({ input: stdin })[Symbol.asyncIterator]()

async function ask(prompt: string): Promise<string | undefined> {
  stdout.write(prompt)
  const { done, value } = await lines.next()
  return done ? undefined : value
}

/** One request, and the frames of its answer. Throws where the connection breaks. */
async function* request(path: string, body: unknown, headers: Record<string, string>): AsyncGenerator<Frame> {
  const response = await fetch(`${base}${path}`, {
    method: 'POST',
    headers: { authorization: `Bearer ${token}`, 'content-type': 'application/json', ...headers },
    body: JSON.stringify(body),
  })
  if (!response.ok || !response.body) {
    const { error } = (await response.json()) as { error: { message: string; next?: string } }
    yield { type: 'error', message: `${response.status}: ${error.message} ${error.next ?? ''}` }
    return
  }
  let text = ''
  for await (const chunk of response.body.pipeThrough(new TextDecoderStream())) {
    text += chunk
    const events = text.split('\n\n')
    text = events.pop() ?? ''
    for (const event of events) {
      const data = /^data: (.*)$/m.exec(event)?.[1]
      if (data === undefined) continue
      lastId = /^id: (.*)$/m.exec(event)?.[1] ?? lastId
      yield JSON.parse(data)
    }
  }
}

const isLast = (frame: Frame | undefined): boolean =>
  frame !== undefined && ['response', 'elicitation', 'approval', 'session_end', 'error'].includes(frame.type)

/** To the last frame, also where the connection breaks on the way: it goes on behind the last id. */
async function* stream(path: string, body: unknown): AsyncGenerator<Frame> {
  const key = { 'idempotency-key': crypto.randomUUID() }
  const deadline = Date.now() + patienceMs
  let last: Frame | undefined
  for (let again = false; ; again = true) {
    const onwards = again && current !== undefined && lastId !== undefined
    try {
      const frames = onwards
        ? request(`/chat?session=${current}`, {}, { 'last-event-id': lastId ?? '' })
        : request(path, body, path.startsWith('/chat') ? key : {})
      for await (const frame of frames) {
        last = frame
        yield frame
      }
      if (isLast(last)) return
    } catch (error) {
      if (Date.now() > deadline) throw error
    }
    await wait(500)
  }
}

/** Shows what comes, asks what has to be asked, and gives false at the end of the session. */
async function tell(path: string, body: unknown): Promise<boolean> {
  for await (const frame of stream(path, body)) {
    switch (frame.type) {
      case 'session_id':
        current = String(frame.id)
        break
      case 'token':
        stdout.write(String(frame.text))
        break
      case 'tool_start':
        stdout.write(`[${frame.name} ${JSON.stringify(frame.args)}]\n`)
        break
      case 'tool_done':
        stdout.write(`[${frame.name}: ${frame.status}]\n`)
        break
      case 'response':
        stdout.write(`\n(turn ${frame.turn})\n`)
        return true
      case 'approval': {
        const yes = await ask(`May ${frame.name} run with ${JSON.stringify(frame.args)}? [y/N] `)
        const verdict = /^y/i.test(yes ?? '') ? 'approved' : 'denied'
        return await tell(`/approval/${frame.call_id}?session=${current}`, { verdict })
      }
      case 'elicitation': {
        const { elicitation_id, server_name, message, url } = frame
        const done = await ask(`[${server_name}] ${message}\n${url}\nPress Enter when you are done, n declines: `)
        const action = done === undefined ? 'cancel' : /^n/i.test(done) ? 'decline' : 'accept'
        return await tell(`/elicitation/${elicitation_id}?session=${current}`, { elicitation_id, action })
      }
      case 'session_end':
        stdout.write(`\nThe session is over: ${frame.reason}, after ${frame.turns} turns.\n`)
        return false
      case 'error':
        stdout.write(`\nError: ${frame.message}\n`)
        return true
      default:
        break // A later version may say more.
    }
  }
  return true
}

for (;;) {
  const message = await ask('> ')
  if (message === undefined) break
  if (message.trim() === '') continue
  if (!(await tell(current === undefined ? '/chat' : `/chat?session=${current}`, { message }))) break
}
stdout.write(`\nSession: ${current ?? 'none'}\n`)
