// A server that says it is Reins, and that the command line was pointed to: answers that never end, that fill memory, that lead elsewhere, and
// words that drive a terminal. The commands are the real ones.
//   RS1. `got through` is more of an answer read than any Reins gives, a command that does not end, another host that was asked, and a
//        character that drives the terminal or hides.
import { EventEmitter } from 'node:events'
import { createServer, type IncomingMessage, type Server, type ServerResponse } from 'node:http'
import type { AddressInfo } from 'node:net'
import { clientProgram, loadCliEnvironment, processContext, runProgram } from '@reins/cli'
import { hiddenCharacters } from '@reins/contracts'
import type { Tally } from '../tally.ts'

const megabyte = 1024 ** 2
/** What any answer of Reins has at most, with what lies in buffers on the way. */
const mostRead = 160 * megabyte
const longestMs = 100_000
const session = '01HZZZZZZZZZZZZZZZZZZZZZZZ'
const evil = 'x\u001b]0;owned\u0007\u001b[2Jy\u202Eevil\u200B\u0085\u009b31m\u2066'

type Lie = (request: IncomingMessage, response: ServerResponse) => void

/** Without end, as fast as it is read; up to 1 GB. */
const endless =
  (status: number, type: string, beginning: string, piece: string, sent: { bytes: number }): Lie =>
  (_, response) => {
    response.writeHead(status, { 'content-type': type }).write(beginning)
    const more = (): void => {
      while (sent.bytes < 1024 * megabyte) {
        sent.bytes += piece.length
        if (!response.write(piece)) return void response.once('drain', more)
      }
      response.end()
    }
    response.on('error', () => undefined)
    more()
  }

const says =
  (status: number, body: unknown): Lie =>
  (_, response) =>
    void response.writeHead(status, { 'content-type': 'application/json' }).end(JSON.stringify(body))

const at = 1_700_000_000_000
const listed = {
  ...{ id: session, agent: evil, digest: evil, status: evil, turns: 1, usage: { inputTokens: 1 } },
  ...{ title: evil, createdAt: at, lastActivityAt: at },
}
const refusal = (code: string) => ({
  error: { code, message: evil, next: evil, details: { problems: [{ path: evil, message: evil }] } },
})

const commands: readonly (readonly string[])[] = [
  ['session', 'list'],
  ['session', 'show', session],
  ['session', 'events', session],
  ['session', 'output', session, 'c1'],
  ['agent', 'list'],
  ['auth', 'status'],
  ['auth', 'login', '--device'],
  ['token', 'list'],
  ['role', 'list'],
  ['webhook', 'list'],
  ['secret', 'list'],
  ['pool', 'list'],
  ['usage'],
  ['run', 'list'],
  ['approvals', 'list'],
]

async function listening(server: Server): Promise<string> {
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
  return `http://127.0.0.1:${(server.address() as AddressInfo).port}`
}

class Output extends EventEmitter {
  text = ''
  readonly isTTY = false
  readonly columns = 100
  write(text: string): boolean {
    this.text += text
    return true
  }
}

async function run(home: string, words: readonly string[], lie: Lie): Promise<{ end: number | 'late'; said: string }> {
  const server = createServer((request, response) => {
    request.resume()
    lie(request, response)
  })
  const url = await listening(server)
  const [stdout, stderr] = [new Output(), new Output()]
  let interrupt = (): void => undefined
  const context = {
    ...processContext({
      now: Date.now,
      readAdminToken: async () => undefined,
      env: loadCliEnvironment({ HOME: home, REINS_URL: url, REINS_TOKEN: 'my-token', NO_COLOR: '1' }),
    }),
    ...{ stdout, stderr },
    onInterrupt: (listener: () => void) => {
      interrupt = listener
      return () => {}
    },
  }
  let timer: NodeJS.Timeout | undefined
  const late = new Promise<'late'>((resolve) => {
    timer = setTimeout(resolve, longestMs, 'late')
  })
  const running = runProgram(clientProgram(context), [...words], context)
  const end = await Promise.race([running, late])
  clearTimeout(timer)
  if (end === 'late') interrupt()
  server.closeAllConnections()
  server.close()
  return { end, said: stdout.text + stderr.text }
}

const hidden = new RegExp(`[\\x00-\\x08\\x0b-\\x1f\\x7f-\\x9f]|${hiddenCharacters}`)

export async function tryReinsServers(home: string, tally: Tally): Promise<void> {
  const who = 'a server that says it is Reins'
  let taken = 0
  const catcher = createServer((request, response) => {
    taken += 1
    request.resume()
    response.end('{}')
  })
  const elsewhere = await listening(catcher)
  const note = (what: string, wrong: string | false, said: string): void => {
    if (wrong !== false) console.log(what, wrong, JSON.stringify(said.slice(0, 300)))
    tally.note(who, what, wrong === false ? 'refused' : 'got through')
  }
  try {
    for (const words of commands) {
      const name = words.join(' ').replace(session, 'it')
      for (const [kind, lie] of [
        ['as an error', says(404, refusal('session_not_found'))],
        ['as an unknown error', says(500, refusal(evil))],
        [
          'as a list',
          says(200, {
            sessions: [listed],
            events: [],
            next: evil,
            provider: { issuer: `https://${evil}`, scopes: evil },
          }),
        ],
        ['as no JSON', (_: IncomingMessage, response: ServerResponse) => void response.end(evil)],
      ] as const) {
        const { end, said } = await run(home, words, lie)
        note(
          `${name}: words ${kind}`,
          end === 'late' ? 'does not end' : !words.includes('output') && hidden.test(said) && 'drives the terminal',
          said,
        )
      }
      for (const status of [301, 302, 307, 308]) {
        const before = taken
        const { end, said } = await run(
          home,
          words,
          (_, response) => void response.writeHead(status, { location: `${elsewhere}/taken` }).end(),
        )
        note(
          `${name}: led elsewhere by ${status}`,
          end === 'late' ? 'does not end' : taken > before && 'asks another host',
          said,
        )
      }
    }
    const text = 'x'.repeat(megabyte)
    // Who follows waits until a server that fails is well again.
    for (const [words, type, beginning, piece] of [
      [['session', 'list'], 'application/json', '{"sessions":"', text],
      [['auth', 'login', '--device'], 'application/json', '{"provider":{"issuer":"', text],
      [['session', 'output', session, 'c1'], 'text/plain', '', text],
      [['session', 'events', session, '--follow'], 'text/event-stream', 'data: ', text],
      [['session', 'events', session, '--follow'], 'text/event-stream', '', `data: ${'x'.repeat(1000)}\n`.repeat(1000)],
      [['session', 'events', session, '--follow'], 'text/event-stream', '', `: ${'x'.repeat(1000)}\n`.repeat(1000)],
    ] as const)
      for (const status of type === 'text/event-stream' ? [200] : [200, 500]) {
        const sent = { bytes: 0 }
        const { end, said } = await run(home, words, endless(status, type, beginning, piece, sent))
        const what = `${words.slice(0, 2).join(' ')}: an answer (${status}, ${type}) without end`
        // Comments keep a stream open, and nothing of them stays.
        const comments = piece.startsWith(':')
        note(
          what,
          sent.bytes > mostRead && !comments
            ? `read ${Math.round(sent.bytes / megabyte)} MB, ended with ${end}`
            : false,
          said,
        )
      }
    // An answer whose head never comes, and one that never goes on.
    const begun: Lie = (_, response) => void response.writeHead(200, { 'content-type': 'text/plain' }).write('{')
    const waited = (
      [
        ['session', 'list'],
        ['auth', 'login', '--device'],
        ['session', 'output', session, 'c1'],
      ] as const
    ).flatMap((words) => [
      [words, 'nothing', () => undefined] as const,
      [words, 'no more than its beginning', begun] as const,
    ])
    await Promise.all(
      waited.map(async ([words, kind, lie]) => {
        const { end, said } = await run(home, words, lie)
        note(`${words.slice(0, 2).join(' ')}: ${kind} comes`, end === 'late' && 'does not end', said)
      }),
    )
  } finally {
    catcher.closeAllConnections()
    catcher.close()
  }
}
