// The door of projects: what no route of the gateway takes goes to the app of a project, which runs in a code host beside the gateway.
//   DO1. Nothing is open that the project does not open: where it does not answer, the answer is an error.
//   DO2. The gateway asks for no token here: Authorization, cookies and bodies go to the app as they came.
//   DO3. A request that throws, hangs, is too large or ends its process costs itself: its host is replaced, and others answer on.
import type { IncomingMessage, ServerResponse } from 'node:http'
import type { Bundle, HostCall, HostsAnswer } from '@reins/code-host'
import { ReinsError } from '@reins/contracts'
import { nothingToRedact, type ProjectValues, type Redactor } from '@reins/secrets'
import type { Log } from '@reins/telemetry'
import type { Credential, Leases } from '../../access/leases.ts'
import type { Caller } from '../../api/caller.ts'
import type { AgentDoor } from './agent-door.ts'
import type { AppValues } from './app-values.ts'
import { callerOffered, credentialOf, notOffered, stillOffered } from './as-offered.ts'
import { appCaller } from './asked.ts'
import { AppCall, type AnswerHead, drained, unanswered } from './app-call.ts'
import { type GatewayAnswer, piecesOf, type SocketGrant } from './bodies.ts'
import { type Fault, fault, faultOf } from './faults.ts'
import { offers } from './routes.ts'
import type { RunDoor } from './run-door.ts'
import { type ProjectTarget, projectOf, type Registered, runIn } from './projects-here.ts'

/** Code hosts beside this gateway. */
export interface AppHosts {
  /** Whether the operator lets code of apps open connections. */
  readonly network: boolean
  /** Rejects with the signal's reason where it aborts first. */
  run(bundle: Bundle, call: HostCall, signal: AbortSignal): Promise<HostsAnswer>
}

export interface AppDoorParts {
  readonly hosts: AppHosts
  readonly registry: Registered
  readonly door: AgentDoor
  readonly runs: RunDoor
  readonly leases: Pick<Leases<Credential>, 'hold'>
  readonly log: Log
  readonly now: () => number
  readonly answerMs: number
  readonly rootProject?: string | undefined
  /** What the project declares. Absent: its code is given nothing. */
  readonly values?: Pick<AppValues, 'of'>
  readonly redactor?: Redactor
}

export type UpgradeAnswer =
  | { readonly kind: 'granted'; readonly grant: SocketGrant; readonly target: ProjectTarget }
  | { readonly kind: 'refused'; readonly status: number; readonly type: string; readonly body: string }

/** Headers that are of one connection (RFC 9110, 7.6.1), or that the server makes itself. */
const ofConnection = new Set([
  'connection',
  'keep-alive',
  'transfer-encoding',
  'te',
  'trailer',
  'upgrade',
  'content-length',
])
const mostRefusal = 64 * 1024

export class AppDoor {
  readonly #parts: AppDoorParts
  constructor(parts: AppDoorParts) {
    this.#parts = parts
  }

  /** undefined: the address is of no project. */
  targetOf(url: string): ProjectTarget | undefined {
    return projectOf(this.#parts.registry, url, this.#parts.rootProject)
  }

  /** As `targetOf`, and finds the project of a run. Rejects where the run cannot be looked up. */
  async targetOfRequest(url: string): Promise<ProjectTarget | undefined> {
    const { registry, runs } = this.#parts
    const [run, projects] = [runIn(url), registry.projects()]
    if (run === undefined || projects.length === 1) return this.targetOf(url)
    for (const project of projects)
      if ((await runs.ownerOf(project, appCaller(project, undefined), run)) !== undefined) return { project, url }
    return this.targetOf(url)
  }

  /** Never rejects. The response is this door's from now on. */
  async serve(target: ProjectTarget, request: IncomingMessage, response: ServerResponse): Promise<void> {
    const gone = new AbortController()
    response.once('close', () => gone.abort(new Error('the client is gone')))
    let piped: Promise<void> | undefined
    const end = await this.#run(target, request, gone.signal, {
      head: (head, passed) => {
        writeHead(response, head)
        if (passed) piped = pipe(passed, response, gone.signal)
      },
      chunk: async (bytes) => {
        if (!response.write(bytes)) await drained(response, gone.signal)
      },
    })
    await piped?.catch(() => response.destroy())
    if (response.destroyed) return
    if (end.kind === 'answered') response.end()
    // Half an answer that looks whole would be believed.
    else if (response.headersSent) response.destroy()
    else {
      response.writeHead(end.fault.status, { 'content-type': 'application/json; charset=utf-8' })
      response.end(JSON.stringify({ error: end.fault.error }))
    }
    if (!request.complete) request.resume()
  }

  /** Who acts on a WebSocket that was granted, as the project is now. Throws where it does not offer that any more. */
  callerOf({ grant, target }: Extract<UpgradeAnswer, { kind: 'granted' }>): Caller {
    const { target: kind, name, principal } = grant
    const { registry } = this.#parts
    const project = registry.project(target.project.name)
    const asked = { kind: `${kind}-socket`, name }
    if (project && offers(project, asked)) return callerOffered(registry, project, asked, principal)
    throw noSocket(kind)
  }

  /** `end` is called when a WebSocket that was granted has to end. Call what this gives when it has closed. */
  hold({ grant, target }: Extract<UpgradeAnswer, { kind: 'granted' }>, end: (why: Fault) => void): () => void {
    const asked = { kind: `${grant.target}-socket`, name: grant.name }
    const caller = callerOffered(this.#parts.registry, target.project, asked, grant.principal)
    return this.#parts.leases.hold(caller.credential, () => end(faultOf(noSocket(grant.target))), stillOffered(caller))
  }

  /** What the app's middleware says of an upgrade. Never rejects. */
  async upgrade(target: ProjectTarget, request: IncomingMessage, signal: AbortSignal): Promise<UpgradeAnswer> {
    let head: AnswerHead | undefined
    let passed: GatewayAnswer['body'] | undefined
    let text = ''
    const end = await this.#run(target, request, signal, {
      head: (given, body) => {
        head = given
        passed = body
      },
      chunk: async (bytes) => {
        if (text.length < mostRefusal) text += bytes.toString('utf8')
      },
    })
    if (end.kind === 'failed') return refusedBy(end.fault)
    if (passed?.kind === 'socket') return { kind: 'granted', grant: passed.grant, target }
    // A stream of events would never end: it is no refusal either.
    if (passed?.kind === 'pieces')
      return refusedBy(fault(403, 'forbidden', 'The middleware answered an upgrade with a stream.'))
    if (passed) text += passed.text
    const type = head?.headers.find(([name]) => name.toLowerCase() === 'content-type')?.[1] ?? 'text/plain'
    // An answer that is no refusal opens nothing: the middleware did not call next.
    return head && head.status >= 300
      ? { kind: 'refused', status: head.status, type, body: text }
      : refusedBy(fault(403, 'forbidden', 'The middleware let nothing through: it answered and did not call next().'))
  }

  /** What is missing is told to the operator alone. */
  async #valuesOf(project: ProjectTarget['project']): Promise<ProjectValues> {
    const { values, log } = this.#parts
    const about = { project: project.name, version: project.version }
    try {
      const found: ProjectValues = (await values?.of(project)) ?? { kind: 'given', env: {} }
      if (found.kind === 'missing') log.warn({ ...about, why: found.message }, 'the app cannot be run')
      return found
    } catch (error) {
      log.warn({ ...about, error }, 'the app cannot be run: what its project declares cannot be had')
      return { kind: 'missing', message: '' }
    }
  }

  async #run(
    { project, url }: ProjectTarget,
    request: IncomingMessage,
    gone: AbortSignal,
    to: ConstructorParameters<typeof AppCall>[3],
  ): Promise<{ readonly kind: 'answered' } | { readonly kind: 'failed'; readonly fault: Fault }> {
    const { hosts, log, redactor = nothingToRedact } = this.#parts
    const values = await this.#valuesOf(project)
    if (values.kind === 'missing') return { kind: 'failed', fault: notSet }
    const call = new AppCall(this.#parts, project, request, to, gone)
    const letGo = this.#whileThere(project, call)
    const { method = 'GET', headers, rawHeaders } = request
    const file = `project ${project.name}`
    const given: [string, string][] = []
    for (let i = 0; i < rawHeaders.length; i += 2) given.push([rawHeaders[i] ?? '', rawHeaders[i + 1] ?? ''])
    const withBody =
      !['GET', 'HEAD'].includes(method) && (headers['transfer-encoding'] ?? headers['content-length']) !== undefined
    const about = { project: project.name, version: project.version }
    try {
      const answer = await hosts.run(
        { digest: project.digest, file, network: hosts.network },
        {
          ...{ what: 'fetch', name: project.name },
          input: {
            ...{ method, url: `http://${headers.host ?? 'localhost'}${url}` },
            headers: given.filter(
              ([name]) => !['connection', 'keep-alive', 'transfer-encoding', 'te'].includes(name.toLowerCase()),
            ),
            body: withBody,
            env: values.env,
          },
          facts: { idempotencyKey: '', session: '', agent: '' },
          progress: (text) => log.info({ ...about, printed: redactor.text(text.slice(0, 2000)) }, 'the app printed'),
          log: (entry) =>
            log.info(
              { ...about, level: entry.level, said: redactor.text(entry.message.slice(0, 2000)) },
              'the app logged',
            ),
          request: (what, value) => call.ask(what, value),
        },
        call.signal,
      )
      if (answer.kind === 'value') {
        if (call.began) return { kind: 'answered' }
        return { kind: 'failed', fault: unanswered(call, 'error', '') }
      }
      const message = redactor.text(answer.kind === 'lost' ? answer.death : answer.message)
      log.warn({ ...about, method, why: answer.kind, message }, 'the app did not answer a request')
      return { kind: 'failed', fault: unanswered(call, answer.kind, message) }
    } catch (error) {
      if (!gone.aborted) log.warn({ ...about, method, error }, 'the app did not answer a request')
      return { kind: 'failed', fault: unanswered(call, 'error', '') }
    } finally {
      letGo()
      call.close()
    }
  }

  /** What an app does for a request ends with its project. */
  #whileThere({ name }: ProjectTarget['project'], call: AppCall): () => void {
    const { registry, leases } = this.#parts
    return leases.hold(
      credentialOf(name, `app:${name}`),
      () => call.end(),
      () => (registry.project(name) ? undefined : notOffered()),
    )
  }
}

const noSocket = (kind: SocketGrant['target']): ReinsError =>
  new ReinsError(
    kind === 'agent' ? 'agent_not_found' : 'workflow_not_found',
    `The project does not offer this ${kind} over a WebSocket any more.`,
  )

const notSet: Fault = fault(
  503,
  'runtime_unavailable',
  'The app cannot be run now: a value that it needs is not there. The log of the gateway says which.',
)

function refusedBy({ status, error }: Fault): UpgradeAnswer {
  return { kind: 'refused', status, type: 'application/json; charset=utf-8', body: JSON.stringify({ error }) }
}

function writeHead(response: ServerResponse, { status, headers }: AnswerHead): void {
  response.statusCode = status
  for (const [name, value] of headers) if (!ofConnection.has(name.toLowerCase())) response.appendHeader(name, value)
  response.flushHeaders()
}

async function pipe(body: GatewayAnswer['body'], response: ServerResponse, gone: AbortSignal): Promise<void> {
  response.socket?.setNoDelay(true)
  for await (const piece of piecesOf(body)) {
    if (gone.aborted) return
    if (!response.write(piece)) await drained(response, gone)
  }
}
