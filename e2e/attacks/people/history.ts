// What is kept of sessions, asked for by somebody whose token reads one agent, or one session: by cursors, references, forks, trees and
// streams. Each attempt looks for a word that was said in a session of another agent.
import { encodeCursor } from '@reins/contracts'
import type { World } from '../../harness/world.ts'
import type { Outcome, Tally } from '../tally.ts'

export interface Asked {
  readonly status: number
  readonly text: string
}
export type Ask = (method: string, target: string, body?: unknown, headers?: Record<string, string>) => Promise<Asked>

/** Streams are read for a moment. */
const streamMs = 1500

export const askingWith = (world: World, token: string): Ask => askingAt(() => world.api.url(), token)

/** At one gateway, wherever that is when it is asked. */
export const askingAt =
  (url: () => string, token: string): Ask =>
  async (method, target, body, headers = {}) => {
    const streams = headers.accept !== undefined
    const response = await fetch(`${url()}${target}`, {
      method,
      headers: {
        authorization: `Bearer ${token}`,
        ...(body === undefined ? {} : { 'content-type': 'application/json' }),
        ...headers,
      },
      ...(body === undefined ? {} : { body: JSON.stringify(body) }),
      signal: AbortSignal.timeout(60_000),
    })
    return { status: response.status, text: streams ? await beginningOf(response) : await response.text() }
  }

async function beginningOf(response: Response): Promise<string> {
  const reader = response.body?.getReader()
  if (!reader) return ''
  const over = setTimeout(() => void reader.cancel().catch(() => undefined), streamMs)
  let text = ''
  const decoder = new TextDecoder()
  for (;;) {
    const { done, value } = await reader.read()
    if (done) break
    text += decoder.decode(value, { stream: true })
  }
  clearTimeout(over)
  return text
}

/** A principal of its own, with a token that may what is said. */
export async function principalWith(world: World, name: string, permissions: readonly string[]): Promise<Ask> {
  const admin = askingWith(world, world.token)
  const made = await admin('POST', '/v1/principals', { name, permissions })
  const token = await admin('POST', '/v1/tokens', { principal: name })
  if (made.status >= 300 || token.status >= 300) throw new Error(`${name}: ${made.text} ${token.text}`)
  return askingWith(world, (JSON.parse(token.text) as { text: string }).text)
}

export interface Kept {
  /** Of the other agent: where the word was said, with a long output that has it. */
  readonly theirs: string
  readonly ref: string
  readonly message: string
  readonly cursor: string
  /** Of the agent that may be read; it delegated to the other one, in `child`. */
  readonly mine: string
  readonly child: string
  readonly word: string
}

const sse = { accept: 'text/event-stream' }
const ndjson = { accept: 'application/x-ndjson' }

export async function tryHistory(ask: Ask, who: string, kept: Kept, tally: Tally): Promise<void> {
  const { theirs, mine, child, ref, message, cursor, word } = kept
  const note = (what: string, { status, text }: Asked): void => {
    const outcome: Outcome = text.includes(word) || status >= 500 ? 'got through' : 'refused'
    tally.note(who, `${what}: ${status}`, outcome)
  }
  const of = (session: string, rest = '') => `/v1/sessions/${session}${rest}`
  const reads = ['', '/events', '/state', '/frames', '/prompt', '/tree', '/stop', '/grants', '/elicitations']
  for (const session of [theirs, child])
    for (const rest of [...reads, '/events?tree=true', `/outputs/${ref}`, '/outputs/c1', '/prompt?call=c2'])
      note(
        `read ${rest || 'it'} of ${session === child ? 'the session below' : 'another session'}`,
        await ask('GET', of(session, rest)),
      )
  for (const target of [
    `/executions/${theirs}`,
    `/v1/runs/run_${theirs}`,
    '/v1/sessions',
    `/v1/sessions?tree=${theirs}`,
  ])
    note(`ask for ${target.replace(theirs, 'it')}`, await ask('GET', target))
  for (const target of [
    '/v1/approvals?state=all',
    '/v1/usage?by=session',
    '/v1/runs',
    '/v1/webhook-deliveries',
    '/v1/audit',
  ])
    note(`ask for ${target}`, await ask('GET', target))

  // Cursors: places in other logs, also inside the own tree, and places that are none.
  const places = { of: mine, n: 1, i: 0 }
  const forged: Readonly<Record<string, string>> = {
    'of another session': cursor,
    'of the other session with its first frame': encodeCursor({ of: theirs, tree: false, seq: 0, n: 1, i: 0 }),
    'of the own session at every place': encodeCursor({ ...places, tree: false, seq: 1 }),
    'between 0 and 1': encodeCursor({ ...places, tree: false, seq: 2 ** -20 }),
    'of a tree, in a session of another tree': encodeCursor({ ...places, tree: true, seq: 1, session: theirs }),
    'of a tree, in the session below': encodeCursor({ ...places, tree: true, seq: 1, session: child }),
    'with subjects in it': Buffer.from(JSON.stringify([`${mine}.>`, 1, 1, 0])).toString('base64url'),
    'with all sessions in it': Buffer.from(JSON.stringify([`${mine}*>`, 1, 1, 0])).toString('base64url'),
    'in an answer of another session': Buffer.from(
      JSON.stringify([`${mine}*`, 1, 1, 0, `../${theirs}`, 'c2', 1, 0, 0]),
    ).toString('base64url'),
  }
  for (const [what, text] of Object.entries(forged)) {
    note(`a state at a cursor ${what}`, await ask('GET', of(mine, `/state?at=${text}`)))
    note(`events behind a cursor ${what}`, await ask('GET', of(mine, `/events?after=${text}`)))
    note(`events of the tree behind a cursor ${what}`, await ask('GET', of(mine, `/events?tree=true&after=${text}`)))
    note(
      `a stream behind a cursor ${what}`,
      await ask('GET', of(mine, '/events?tree=true'), undefined, { ...sse, 'last-event-id': text }),
    )
  }
  for (const form of [sse, ndjson]) {
    note('follow the own tree', await ask('GET', of(mine, '/events?tree=true&deltas=true'), undefined, form))
    note('follow another session', await ask('GET', of(theirs, '/events'), undefined, form))
    note('follow the session below', await ask('GET', of(child, '/events'), undefined, form))
  }
  for (const after of ['-1', '1e308', '0.5', '9007199254740991'])
    note(`frames behind ${after}`, await ask('GET', of(mine, `/frames?after=${after}`)))

  // References: what is kept beside the log of another session.
  const refs = [
    ref,
    `${theirs}/${ref}`,
    `../${theirs}/${ref}`,
    `..\\${theirs}\\${ref}`,
    `${ref}\u0000`,
    `*`,
    `>`,
    message,
  ]
  for (const named of refs)
    note(
      `an output of another session by ${named.replaceAll(theirs, 'IT').slice(0, 20)}`,
      await ask('GET', of(mine, `/outputs/${encodeURIComponent(named)}`)),
    )

  // Forks: of what may not be read, and from places that the own session does not have.
  for (const body of [{}, { at: 1 }, { again: true }, { before: message, message: 'say more' }, { title: 'mine' }])
    for (const session of [theirs, child]) {
      const answer = await ask('POST', of(session, '/fork'), body)
      const tree = session === child ? 'the session below' : 'another session'
      note(`fork ${tree} with ${Object.keys(body).join(' and ') || 'nothing'}`, answer)
      if (answer.status < 300) tally.note(who, `fork ${tree}`, 'got through')
    }
  for (const body of [{ at: 100_000 }, { before: message, message: 'say more' }, { at: 0 }, { at: -1 }])
    note(
      `fork the own session with ${JSON.stringify(body).replace(message, 'a foreign message')}`,
      await ask('POST', of(mine, '/fork'), body),
    )
  const fork = await ask('POST', of(mine, '/fork'), {})
  const id = (JSON.parse(fork.text) as { session?: { id: string } }).session?.id
  if (id !== undefined) {
    for (const rest of ['/events', '/events?tree=true', '/state', '/frames', '/tree', '/prompt', `/outputs/${ref}`])
      note(`read ${rest} of a fork of the own session`, await ask('GET', of(id, rest)))
    note('follow a fork of the own session', await ask('GET', of(id, '/events?tree=true'), undefined, sse))
    note('a state of the fork at a cursor of another session', await ask('GET', of(id, `/state?at=${cursor}`)))
  }
  // Images are named by what they are: a message that names one of another session.
  for (const image of [
    { ref },
    { ref, mediaType: 'image/png' },
    { type: 'image', ref: `${theirs}/${ref}` },
    { data: ref, mimeType: 'image/png' },
  ])
    note(
      'show the own session an image of another one',
      await ask('POST', of(mine, '/messages'), { content: 'say seen', images: [image] }),
    )
}
