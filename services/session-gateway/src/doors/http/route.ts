// A route, as data: an operation (api/operations.ts) and how it is asked for over HTTP. The one source of its validation, of its part
// of /openapi.json, and of what runs.
import type { IncomingHttpHeaders } from 'node:http'
import { ReinsError } from '@reins/contracts'
import { type Static, type TSchema, Type } from 'typebox'
import type { Caller } from '../../api/caller.ts'
import type { Operation } from '../../api/operations.ts'
import type { Opening } from '../../streams/streams.ts'
import { checker } from './check.ts'
import type { HttpForm } from './http-sink.ts'

export type Method = 'GET' | 'POST' | 'PUT' | 'DELETE'

/** A body that came as YAML; only routes that say `yaml` take it. */
export class YamlBody {
  readonly text: string
  constructor(text: string) {
    this.text = text
  }
}

export type Answer =
  | { readonly status: number; readonly body: unknown; readonly headers?: Readonly<Record<string, string>> }
  | { readonly status: number; readonly text: string; readonly contentType: string }
  | { readonly status: number; readonly bytes: Uint8Array; readonly headers: Readonly<Record<string, string>> }
  /** A stream, which goes on until one of the two ends it. */
  | { readonly opening: Opening; readonly form: HttpForm }

/** What every handler is given besides what its schemas let in. */
export interface Circumstances {
  readonly caller: Caller
  readonly headers: IncomingHttpHeaders
  /** Aborted when the client goes away. */
  signal(): AbortSignal
}

export interface Unchecked extends Circumstances {
  readonly params: unknown
  readonly query: unknown
  readonly body: unknown
}

export interface Incoming<P, Q, B> extends Circumstances {
  readonly params: P
  readonly query: Q
  readonly body: B
}

/** How an operation is asked for over HTTP. */
interface Described extends Operation {
  readonly method: Method
  /** `/v1/sessions/:id` */
  readonly path: string
  /** What it answers with, by status; a text is a content type. */
  readonly answers: Readonly<Record<number, TSchema | string>>
  /** Request headers that matter: name and what it does. */
  readonly headers?: Readonly<Record<string, string>>
  /** Content types of streams that it answers with besides JSON. */
  readonly streams?: readonly string[]
  /** Answers with a WebSocket. */
  readonly socket?: boolean
  readonly yaml?: boolean
  /** Of its body, where that may be larger than other routes' bodies. */
  readonly maxBodyBytes?: number
}

export interface RouteSpec<P extends TSchema, Q extends TSchema, B extends TSchema> extends Described {
  readonly params?: P
  readonly query?: Q
  readonly body?: B
  /** The body's schema is for the documents; what it says is checked by whoever gets it. */
  readonly bodyCheckedLater?: true
  handle(incoming: Incoming<Static<P>, Static<Q>, Static<B>>): Promise<Answer>
}

export interface Route extends Described {
  readonly params?: TSchema
  readonly query?: TSchema
  readonly body?: TSchema
  run(unchecked: Unchecked): Promise<Answer>
}

const nothing = Type.Object({}, { additionalProperties: false })

export function route<P extends TSchema, Q extends TSchema, B extends TSchema>(spec: RouteSpec<P, Q, B>): Route {
  const params = spec.params && checker(spec.params, 'path', { texts: true })
  const query = checker(spec.query ?? nothing, 'query', { texts: true })
  const body = checker(spec.bodyCheckedLater ? Type.Unknown() : (spec.body ?? Type.Optional(nothing)), 'body')
  return {
    ...spec,
    async run(unchecked) {
      if (unchecked.body instanceof YamlBody && !spec.yaml)
        throw new ReinsError('unsupported_media_type', 'This route takes no YAML.')
      const given = { params: params?.parse(unchecked.params), query: query.parse(unchecked.query) }
      // A body that is absent is no value at all for a route that needs none.
      const content = spec.body === undefined ? body.parse(unchecked.body ?? {}) : body.parse(unchecked.body)
      return spec.handle({ ...unchecked, ...given, body: content } as Incoming<Static<P>, Static<Q>, Static<B>>)
    },
  }
}

export const json = (status: number, body: unknown, headers?: Readonly<Record<string, string>>): Answer => ({
  status,
  body,
  ...(headers ? { headers } : {}),
})
