// Types of what modules export beside their agent or workflow. Structural: the context that they are called with is Hono's own, so a
// project that has hono may write its `Context` and `MiddlewareHandler` in their place.

export interface RouteRequest {
  readonly method: string
  readonly url: string
  readonly path: string
  readonly raw: Request
  header(name: string): string | undefined
  header(): Record<string, string>
  param(name: string): string
  query(name: string): string | undefined
  json<T = unknown>(): Promise<T>
  text(): Promise<string>
}

export interface RouteContext {
  readonly req: RouteRequest
  readonly env: Readonly<Record<string, unknown>>
  json(value: unknown, status?: number, headers?: Readonly<Record<string, string>>): Response
  text(text: string, status?: number, headers?: Readonly<Record<string, string>>): Response
  body(
    body: string | ArrayBuffer | ReadableStream | null,
    status?: number,
    headers?: Readonly<Record<string, string>>,
  ): Response
  notFound(): Response | Promise<Response>
  redirect(location: string, status?: number): Response
  header(name: string, value: string): void
  status(status: number): void
  set(key: string, value: unknown): void
  get(key: string): unknown
}

// Hono's own context fits it, and has more.
// biome-ignore lint/suspicious/noExplicitAny: as Hono's MiddlewareHandler takes it.
type RouteHandler = (context: RouteContext & Record<string, any>, next: () => Promise<void>) => unknown

/** `export const route`: who may send messages over HTTP. */
export type AgentRouteHandler = RouteHandler
/** `export const websocket`: who may open a WebSocket. */
export type AgentWebSocketHandler = RouteHandler
/** `export const route` of a workflow: who may start it over HTTP. */
export type WorkflowRouteHandler = RouteHandler
