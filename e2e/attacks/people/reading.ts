// Small tokens at each door that reads something, with each thing that the door may be asked for: what they are shown of another agent's
// sessions, memories, secrets, runs, projects and principals, and what they are told about whether these are there.
//   RG1. Doors and the names of what they may be asked for come from /openapi.json. A name that nobody knows an attack for fails the test.
//   RG2. `got through` is a word or an id of somebody else in an answer that the attacker did not say itself; and an answer about what is
//        there, and is not for the attacker, that differs from the answer about what is not there.
//   RG3. Whoever asks has something of each kind of its own, so that its lists are not refused as a whole.
import type { World } from '../../harness/world.ts'
import type { Tally } from '../tally.ts'
import { type Ask, askingWith } from './history.ts'

/** What belongs to somebody else. Each `word` of theirs stands in some content that the attacker may not see. */
export interface Theirs {
  readonly word: string
  readonly session: string
  readonly agent: string
  readonly scope: string
  readonly key: string
  readonly principal: string
  readonly role: string
  readonly secret: string
  readonly config: string
  readonly webhook: string
  readonly token: string
  readonly workflow: string
  readonly run: string
  readonly project: string
  readonly call: string
  readonly ref: string
  readonly cursor: string
}

/** The same, of what is not there. */
export const nowhere = (theirs: Theirs): Theirs => ({
  ...theirs,
  session: `01${theirs.session.slice(2).split('').toReversed().join('')}`,
  agent: 'nobody',
  scope: 'user:nobody',
  key: 'key-of-nobody',
  principal: 'nobody',
  role: 'nobody',
  secret: 'NOBODY',
  config: 'nobody',
  webhook: `wh_${'0'.repeat(16)}`,
  token: '0'.repeat(16),
  workflow: 'nobody',
  run: `run_01${theirs.session.slice(2).split('').toReversed().join('')}`,
  project: 'nobody',
  call: 'c9',
  ref: 'f'.repeat(64),
})

interface Parameter {
  readonly name: string
  readonly in: string
  readonly required?: boolean
  readonly schema: { readonly anyOf?: readonly { readonly const?: string }[]; readonly const?: string }
}
type Methods = Record<string, { readonly parameters?: readonly Parameter[] }>
export interface Door {
  readonly method: string
  readonly path: string
  readonly parameters: readonly Parameter[]
}

/** RG1. */
export async function allDoors(world: World): Promise<readonly Door[]> {
  const { body } = await world.api.once<{ paths: Record<string, Methods> }>('GET', '/openapi.json')
  return Object.entries(body.paths).flatMap(([path, methods]) =>
    Object.entries(methods).map(([method, { parameters = [] }]) => ({
      method: method.toUpperCase(),
      path,
      parameters,
    })),
  )
}

/** What stands in the path, by the part that names it. undefined: nobody knows. */
function inPath(path: string, name: string, of: Theirs): string | undefined {
  const kinds: Readonly<Record<string, string>> = {
    agents: of.agent,
    sessions: of.session,
    executions: of.session,
    runs: of.run,
    tokens: of.token,
    roles: of.role,
    principals: of.principal,
    secrets: of.secret,
    configs: of.config,
    webhooks: of.webhook,
    projects: of.project,
    outputs: of.ref,
    approvals: of.call,
    elicitations: 'e1',
  }
  const parts = path.split('/')
  return kinds[parts[parts.indexOf(`{${name}}`) - 1] ?? '']
}

/** Values by which a door may be asked for what is somebody else's; []: it only says how much. undefined: nobody knows. */
function valuesOf({ name, schema }: Parameter, of: Theirs): readonly string[] | undefined {
  const said = [...(schema.anyOf ?? []), schema].flatMap((one) => (typeof one.const === 'string' ? [one.const] : []))
  if (said.length > 0) return name === 'wait' ? [] : said
  const known: Readonly<Record<string, readonly string[]>> = {
    session: [of.session],
    tree: [of.session],
    agent: [of.agent],
    principal: [of.principal],
    scope: [of.scope],
    key: [of.key],
    prefix: [of.key.slice(0, 3)],
    query: [of.word],
    q: [of.word],
    store: ['builtin', 'memory', 'sqlite:memory.db'],
    workflow: [of.workflow],
    webhook: [of.webhook],
    id: [of.webhook],
    call: [of.call],
    attempt: [],
    at: [of.cursor],
    after: [of.cursor],
    as: [of.principal],
    action: [`session:${of.agent}:read`],
    with: [of.session],
    parent: [of.session],
    status: ['idle'],
    state: ['idle'],
    ...Object.fromEntries(
      ['limit', 'since', 'until', 'offset', 'deltas', 'denied', 'erased', 'all'].map((one) => [one, []]),
    ),
    ...Object.fromEntries(
      ['grant', 'deleted', 'title', 'force', 'version', 'wait', 'count', 'recursive'].map((one) => [one, []]),
    ),
  }
  return known[name]
}

export interface Small {
  readonly who: string
  readonly ask: Ask
}

interface Answer {
  readonly status: number
  readonly text: string
}

/** Each door with each thing that it may be asked for, once for what is there and once for what is not. */
export async function tryReading(
  world: World,
  { who, ask }: Small,
  theirs: Theirs,
  others: readonly string[],
  tally: Tally,
): Promise<void> {
  const none = nowhere(theirs)
  const streams = { accept: 'application/json' }
  for (const { method, path, parameters } of await allDoors(world)) {
    if (method !== 'GET' || path.endsWith('/socket') || path === '/openapi.json') continue
    const query = parameters.filter((one) => one.in === 'query')
    const target = (of: Theirs, more: Readonly<Record<string, string>>): string => {
      const filled = path.replaceAll(/\{(\w+)\}/g, (_, name: string) => {
        const value = inPath(path, name, of)
        if (value === undefined) tally.note(who, `know what {${name}} of ${path} is`, 'got through')
        return encodeURIComponent(value ?? 'x')
      })
      const needed = query.filter(({ required, name }) => required && !(name in more))
      const all = [...needed.map((one) => [one.name, valuesOf(one, of)?.[0] ?? 'x']), ...Object.entries(more)]
      return `${filled}${all.length === 0 ? '' : `?${new URLSearchParams(all as [string, string][])}`}`
    }
    const asked: (readonly [string, (of: Theirs) => Readonly<Record<string, string>>])[] = [['', () => ({})]]
    for (const one of query) {
      const values = valuesOf(one, theirs)
      if (!values) tally.note(who, `know what ${one.name} of ${path} is`, 'got through')
      for (const at of (values ?? []).keys())
        asked.push([
          `?${one.name}=${values?.[at]?.slice(0, 12)}`,
          (of) => ({ [one.name]: valuesOf(one, of)?.[at] ?? '' }),
        ])
    }
    if (path.startsWith('/v1/memory/'))
      for (const [what, pick] of Object.entries({
        'the agent and a scope': (of: Theirs) => ({ agent: of.agent, scope: 'user:small' }),
        'the agent and its scope': (of: Theirs) => ({ agent: of.agent, scope: of.scope }),
      }))
        asked.push([` by ${what}`, pick])
    for (const [what, pick] of asked) {
      const [there, away] = [target(theirs, pick(theirs)), target(none, pick(none))]
      const answer = await ask('GET', there, undefined, streams)
      const seen = leaked(answer, there, others)
      if (seen !== undefined || answer.status >= 500)
        console.log(`${who}: GET ${there}: ${answer.status} ${seen}: ${answer.text.slice(0, 400)}`)
      tally.note(who, `be shown ${path}${what}`, seen === undefined && answer.status < 500 ? 'refused' : 'got through')
      if (there === away) continue
      const other = await ask('GET', away, undefined, streams)
      const same = alike(answer, there, theirs) === alike(other, away, none)
      if (!same)
        console.log(
          `${who}: GET ${there}: ${answer.status} ${answer.text.slice(0, 160)}\n   but ${other.status} ${other.text.slice(0, 160)}`,
        )
      tally.note(who, `learn from ${path}${what} whether it is there`, same ? 'refused' : 'got through')
    }
  }
}

/** RG2. What is in the answer and was not in the question; also in cursors. */
function leaked({ text }: Answer, asked: string, others: readonly string[]): string | undefined {
  const told = decodeURIComponent(asked.replaceAll('+', ' '))
  const inside = [...text.matchAll(/"(?:next|cursor)":"([\w-]+)"/g)].map(([, at]) =>
    Buffer.from(at ?? '', 'base64url').toString(),
  )
  return others.find((one) => !told.includes(one) && [text, ...inside].some((where) => where.includes(one)))
}

/** Without what the question said, and what differs each time. */
function alike({ status, text }: Answer, asked: string, of: Theirs): string {
  let so = text
  const said = [...Object.values(of), of.run.slice(4), decodeURIComponent(asked)].filter((value) => value.length > 2)
  for (const value of said.flatMap((one) => [one, encodeURIComponent(one)]).toSorted((a, b) => b.length - a.length))
    so = so.replaceAll(value, 'IT')
  return `${status} ${so.replaceAll(/\d{13}/g, 'NOW').replaceAll(/"(cursor|next)":"[^"]*"/g, '')}`
}

/** The cursor of a page of somebody who sees all, given by somebody who does not. */
export async function tryForeignPages(
  world: World,
  { who, ask }: Small,
  others: readonly string[],
  tally: Tally,
): Promise<void> {
  const admin = askingWith(world, world.token)
  for (const { method, path, parameters } of await allDoors(world)) {
    const pages = ['limit', 'after'].every((name) => parameters.some((one) => one.name === name))
    if (method !== 'GET' || !pages || path.includes('{')) continue
    const needed = parameters
      .filter((one) => one.required)
      .map(({ name }) => [name, name === 'scope' ? 'user:small' : 'x'])
    const page = (after?: string) =>
      `${path}?${new URLSearchParams([...needed, ['limit', '1'], ...(after === undefined ? [] : [['after', after]])] as [string, string][])}`
    let next: string | undefined
    for (let count = 0; count < 4; count++) {
      const all = await admin('GET', page(next))
      next = (JSON.parse(all.text) as { next?: string }).next
      if (next === undefined) break
      const asked = page(next)
      const answer = await ask('GET', asked)
      const seen = leaked(answer, asked, others)
      if (seen !== undefined || answer.status >= 500)
        console.log(`${who}: GET ${asked}: ${answer.status} ${seen} ${answer.text.slice(0, 400)}`)
      tally.note(
        who,
        `go on with page ${count} of another in ${path}`,
        seen === undefined && answer.status < 500 ? 'refused' : 'got through',
      )
    }
  }
}

/** What sessions have used, as somebody is told it who may see one agent's: no sum holds more than that. */
export async function trySums({ who, ask }: Small, most: number, tally: Tally): Promise<void> {
  for (const by of ['session', 'tree', 'turn', 'agent', 'principal', 'model', 'day']) {
    const { status, text } = await ask('GET', `/v1/usage?by=${by}`)
    const sums = [...text.matchAll(/"inputTokens":(\d+)/g)].map(([, sum]) => Number(sum))
    const through = status >= 500 || sums.some((sum) => sum > most)
    if (through) console.log(`${who}: usage by ${by}: ${status} ${text.slice(0, 500)}; more than ${most}`)
    tally.note(who, `see in what was used by ${by} what others used`, through ? 'got through' : 'refused')
  }
}

/** Files of memory that come to be because somebody reads, and as many as somebody writes. `files`: how many there are. */
export async function tryMemoryFiles({ who, ask }: Small, files: () => number, tally: Tally): Promise<void> {
  const before = files()
  for (let at = 0; at < 20; at++)
    for (const door of ['entries', 'scopes', 'search', 'history', 'entry'])
      await ask(
        'GET',
        `/v1/memory/${door}?store=sqlite:read-${at}/${door}.db${door === 'scopes' ? '' : '&scope=user:small'}${door === 'search' ? '&query=x' : ''}${door.startsWith('entry') || door === 'history' ? '&key=k' : ''}`,
      )
  const made = files() - before
  tally.note(who, `have ${made} files made by reading`, made > 0 ? 'got through' : 'refused')
  let stored = 0
  for (let at = 0; at < 1100; at++) {
    const { status } = await ask('PUT', `/v1/memory/entry?store=sqlite:own-${at}.db&scope=user:small&key=k`, {
      value: 1,
    })
    if (status < 300) stored += 1
  }
  tally.note(who, `have ${stored} files made by writing`, stored > 1000 ? 'got through' : 'refused')
}
