// The port between executors and model providers: one request, one stream of events that ends in exactly one outcome.
import { type Static, Type } from 'typebox'
import type { AssistantBlock, ImagePart, ToolContent, Usage, UserContent } from './events/content.ts'

/** Why a model call failed. Closed: an adapter maps everything that a provider can say onto one of these. */
export const ModelErrorCode = Type.Union([
  Type.Literal('auth'),
  Type.Literal('not-found'),
  Type.Literal('rate-limited'),
  Type.Literal('overloaded'),
  Type.Literal('context-overflow'),
  Type.Literal('refused'),
  Type.Literal('network'),
  Type.Literal('bad-request'),
])
export type ModelErrorCode = Static<typeof ModelErrorCode>

/** A tool as a model sees it: `parameters` is its full JSON Schema (draft 2020-12, an object schema). */
export interface ToolSpec {
  readonly name: string
  readonly description: string
  readonly parameters: Readonly<Record<string, unknown>>
}

/**
 * One message of the conversation. Objects are immutable and keep their identity from call to call, so that an adapter
 * may cache their serialised form by identity (a WeakMap): a long session then costs no re-serialising.
 */
export type ModelMessage =
  /** `correction`: no person said it; the session says why the answer before it was not taken. */
  | {
      readonly role: 'user'
      readonly content: UserContent
      /** Shown with it. */
      readonly images?: readonly ImagePart[]
      readonly correction?: true
    }
  | { readonly role: 'assistant'; readonly content: readonly AssistantBlock[]; readonly model: string }
  | {
      readonly role: 'tool'
      readonly call: string
      readonly name: string
      readonly output: string
      /** All blocks of the result, where it has more than text: they stand for `output` then. */
      readonly content?: readonly ToolContent[]
      readonly error: boolean
    }

export interface ModelRequest {
  /** Without the provider: `claude-sonnet-4-5`, not `anthropic/claude-sonnet-4-5`. */
  readonly model: string
  readonly system: string
  readonly messages: readonly ModelMessage[]
  /** They follow the newest message, which keeps its bytes; they are not part of the conversation, and not sent again. */
  readonly notices?: readonly string[]
  /** Base64 of what `messages` refer to, by its reference. */
  readonly media?: ReadonlyMap<string, string>
  readonly tools: readonly ToolSpec[]
  readonly maxTokens: number
  readonly reasoningEffort?: 'low' | 'medium' | 'high'
  /**
   * `none`: the tools are declared (the conversation holds calls of them), and the model is told to call none. `any`: it must call one;
   * `{ tool }`: this one.
   */
  readonly toolChoice?: 'none' | 'any' | { readonly tool: string }
  /** The answer, where it calls no tool, has to be JSON that fits this schema of an object. */
  readonly output?: { readonly schema: Readonly<Record<string, unknown>> }
  /** false: the provider is asked for one whole answer; the events are the same, with one delta a block. */
  readonly stream: boolean
  /** The span of this attempt (W3C traceparent). */
  readonly traceparent?: string
  /** A stable key of the session, for providers that route by it to reuse their prompt cache. */
  readonly cacheKey: string
}

/** Characters of one block of the answer, in order. `call` and `name` stand on every `arguments` delta (provider's call id). */
export interface ModelDelta {
  readonly type: 'delta'
  /** Index of the block in the final content. */
  readonly block: number
  readonly kind: 'text' | 'reasoning' | 'arguments'
  readonly text: string
  readonly call?: string
  readonly name?: string
}

export interface ModelCompleted {
  readonly type: 'completed'
  /** Tool calls have the provider's id in `providerCall`, and the same in `call`; the executor gives `call` its final value. */
  readonly content: readonly AssistantBlock[]
  readonly usage: Usage
  readonly finish: 'stop' | 'tool-calls' | 'length' | 'refused'
  readonly responseId?: string
  readonly responseModel?: string
  /** Names of what the provider sent and the adapter does not know, for logs. */
  readonly ignored?: readonly string[]
}

export interface ModelFailed {
  readonly type: 'failed'
  readonly code: ModelErrorCode
  /** For people: what happened and what to do; never a key, never a header. */
  readonly message: string
  /** What the provider asked for by Retry-After, in milliseconds. */
  readonly retryAfterMs?: number
  /** What the provider has counted for it, where that is known: nothing, where the request never reached it. */
  readonly usage?: Usage
  /** How many more attempts can help; 0: none can. Where it is missing, the code alone decides. */
  readonly retries?: number
}

export type ModelEvent = ModelDelta | ModelCompleted | ModelFailed

/**
 * A provider. `stream` never throws and never rejects: the last event is `completed` or `failed` (an abort by `signal` ends
 * the iteration with `failed{network}`, which the caller ignores). It does no retries of its own: retries are events of the session.
 */
/**
 * The events of one answer, asked for one by one; or handed over by `each` in the moment in which they arrive, which with many answers at
 * once costs a good deal less. Use one of the two, once.
 */
export interface ModelEvents extends AsyncIterable<ModelEvent> {
  /** Resolves when the last event was taken; rejects with what `on` throws, and then asks for no more. */
  each?(on: (event: ModelEvent) => void): Promise<void>
}

export interface ModelProvider {
  readonly name: string
  /** Size of the model's window in tokens, input and output together; a careful default where it is not known. */
  contextWindow(model: string): number
  stream(request: ModelRequest, signal: AbortSignal): ModelEvents
}
