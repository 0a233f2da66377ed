// What a tool's `execute` gets beside its arguments.

/** Any JSON value. */
export type Json = string | number | boolean | null | readonly Json[] | { readonly [key: string]: Json }

/** Lines for people who run Reins: they go to the service's log, and never to the model. */
export interface ToolLog {
  debug(message: string, attributes?: Readonly<Record<string, unknown>>): void
  info(message: string, attributes?: Readonly<Record<string, unknown>>): void
  warn(message: string, attributes?: Readonly<Record<string, unknown>>): void
  error(message: string, attributes?: Readonly<Record<string, unknown>>): void
}

/** `Secret` and `Config` are the names that the tool declares. */
export interface ToolContext<Secret extends string = string, Config extends string = string> {
  /** Aborts when the call is cancelled or its time is over. Pass it on to what waits: `fetch(url, { signal })`. */
  readonly signal: AbortSignal
  /** The same for each attempt of one call: give it to servers that can recognise a repeated request by it. */
  readonly idempotencyKey: string
  /** The span of the call (W3C traceparent). Pass it on to servers that trace: `fetch(url, { headers: { traceparent } })`. */
  readonly traceparent?: string
  /** Shows text to people who watch while the call runs. It is not kept, and the model does not see it. */
  progress(text: string): void
  readonly log: ToolLog
  /** The values of the secrets that the tool names in `secret_requests`, as they are at the call's start. */
  readonly secrets: { readonly [Name in Secret]: string }
  /** The values of the configs that the tool names in `config_requests`. */
  readonly config: { readonly [Name in Config]: Json }
  readonly session: { readonly id: string }
  readonly agent: { readonly name: string }
}
