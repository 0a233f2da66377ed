// The registry's events (stream REG) and its requests. Each event is its entity's new state (PROTOCOL 10).
import { type Static, Type } from 'typebox'
import { type ErrorBody, errorCodes } from '../errors.ts'
import { fieldsOf, jsonValue } from '../broker/stored-value.ts'
import { BundleDigest, CodeTool, type SentFile, WorkflowFacts } from './code/code.ts'
import { AgentDefinition } from './definition.ts'
import { CodeBuild, CodeGiven, maxInstanceId } from './code/instance.ts'
import { ProjectManifest } from './code/projects.ts'
import { Skill } from './skills.ts'
import { StoredDefinition } from './stored-definition.ts'

const closed = { additionalProperties: false } as const

/** `reg.agent.<name>`: which version the name stands for now. `deleted`: the name is free again, its versions stay. */
export const AgentEntry = Type.Object(
  {
    name: Type.String(),
    digest: Type.String(),
    version: Type.Integer({ minimum: 1 }),
    deleted: Type.Boolean(),
    createdAt: Type.Integer(),
    updatedAt: Type.Integer(),
    by: Type.String(),
  },
  closed,
)
export type AgentEntry = Static<typeof AgentEntry>

/** Who has said the agent that is there from the first start, as long as no person has changed it. */
export const defaultAgentMaker = 'system:default-agent'

/** `reg.version.<digest>`: an immutable definition. */
export const VersionEntry = Type.Object(
  { digest: Type.String(), at: Type.Integer(), by: Type.String(), definition: StoredDefinition },
  closed,
)
export type VersionEntry = Static<typeof VersionEntry>

/**
 * `retired`: nobody was seen to need it; its bytes are there, and it is `kept` again where somebody does. `removed`: its bytes go, or are
 * gone.
 */
export const BuildInDevelopment = Type.Union([Type.Literal('kept'), Type.Literal('retired'), Type.Literal('removed')])
export type BuildInDevelopment = Static<typeof BuildInDevelopment>

/** `reg.bundle.<digest>`: bundled code that was loaded once, and the tools that it declares; or a folder of skills. The bytes lie in the object store before it. */
export const BundleEntry = Type.Object(
  {
    digest: BundleDigest,
    size: Type.Integer({ minimum: 1 }),
    at: Type.Integer(),
    by: Type.String(),
    tools: Type.Array(CodeTool),
    /** Of a folder of skills, which declares no tools: what it holds. */
    skills: Type.Optional(Type.Array(Skill)),
    /** It exports code that decides for sessions. */
    workflow: Type.Optional(WorkflowFacts),
    /** It is the bundle of a project: what that consists of. */
    project: Type.Optional(ProjectManifest),
    /** A build of `reins dev`, which goes when nobody needs it. Absent: it stays. */
    development: Type.Optional(BuildInDevelopment),
  },
  closed,
)
export type BundleEntry = Static<typeof BundleEntry>

/** An agent as people see it. */
export const Agent = Type.Object(
  {
    name: Type.String(),
    digest: Type.String(),
    version: Type.Integer(),
    createdAt: Type.Integer(),
    updatedAt: Type.Integer(),
    definition: AgentDefinition,
  },
  closed,
)
export type Agent = Static<typeof Agent>

/**
 * Requests on `svc.registry.<verb>`; the reply is a `Reply`.
 *   put    { name, source: {definition} | {yaml}, condition, by, files?, mayRegister? } -> { agent, outcome: created | updated | unchanged, warnings? }
 *   list   { limit, after? } -> { agents, next? }            (from the projection)
 *   delete { name, ifMatch?, force?, by } -> { name }
 */
export type PutCondition =
  | { readonly kind: 'create' }
  | { readonly kind: 'update'; readonly digest: string }
  | { readonly kind: 'apply' }
export interface PutAgent {
  readonly name: string
  readonly source: { readonly definition: unknown } | { readonly yaml: string }
  readonly condition: PutCondition
  readonly by: string
  /** Contents of files that the definition names. */
  readonly files?: readonly SentFile[]
  /** Whether the caller has `registerPermission`: without it the agent gets no code that it does not have. */
  readonly mayRegister?: boolean
  /** The secrets that the definition may name beside those that the agent names already (secret:use:<name>). Absent: all. */
  readonly maySecrets?: readonly string[]
}
export interface PutAgentResult {
  readonly agent: Agent
  readonly outcome: 'created' | 'updated' | 'unchanged'
  /** What will not work yet, and what to do; absent: nothing. */
  readonly warnings?: readonly string[]
}
export interface ListAgents {
  readonly limit: number
  readonly after?: string
  /** Of these names. */
  readonly only?: readonly string[]
}

/** `seq`: the sequence of REG that the answer rests on; a reader waits until its own watch has passed it. */
export type Reply<T> =
  | { readonly ok: true; readonly value: T; readonly seq?: number }
  | { readonly ok: false; readonly error: ErrorBody }

/** undefined: it is no Reply. What the value is, its service alone says. A code of a newer service is `internal`. */
export function decodeReply<T>(text: string): Reply<T> | undefined {
  const { ok, value, seq, error } = fieldsOf(jsonValue(text))
  if (ok === true)
    return { ok, value: value as T, ...(typeof seq === 'number' && Number.isSafeInteger(seq) ? { seq } : {}) }
  const { code, message, details, next } = fieldsOf(error)
  if (ok !== false || typeof message !== 'string') return undefined
  return {
    ok,
    error: {
      code: errorCodes.find((known) => known === code) ?? 'internal',
      message,
      ...(details === undefined ? {} : { details }),
      ...(typeof next === 'string' ? { next } : {}),
    },
  }
}

/**
 * `svc.registry.configure`: runs the initializer of an agent of a project for one id, and keeps what it gave as a version.
 * It takes the following, and answers with a `ConfiguredAgent`.
 */
export const configureVerb = 'configure'
export const ConfigureAgent = Type.Object(
  {
    agent: Type.String({ minLength: 1, maxLength: 68 }),
    /** Of the instance. */
    id: Type.String({ minLength: 1, maxLength: maxInstanceId }),
    /** In a workflow: what that was given. */
    payload: Type.Optional(Type.Unknown()),
    /** Whose initializer runs. Absent: that of the build which the project has now. */
    code: Type.Optional(CodeBuild),
    /** The bundle that a run goes by, for an agent that is made in the file of its workflow. */
    bundle: Type.Optional(BundleDigest),
    /** Who asks gives each prompt a model, where the agent says that it has none. */
    perPrompt: Type.Optional(Type.Boolean()),
    by: Type.String({ minLength: 1, maxLength: 200 }),
  },
  closed,
)
export type ConfigureAgent = Static<typeof ConfigureAgent>

/**
 * `svc.registry.vary`: keeps a version of a definition that differs in its model, its effort or its folder, or has what a run gives it. It takes the
 * following, and answers with a `VariedVersion`.
 */
export const varyVerb = 'vary'
export const VaryVersion = Type.Object(
  {
    digest: Type.String({ maxLength: 128 }),
    model: Type.Optional(AgentDefinition.properties.model),
    /** `off`, `minimal`, `low`, …: as createAgent takes it. */
    thinkingLevel: Type.Optional(Type.String({ maxLength: 20 })),
    /** What the code of a run adds, with one of its operations. */
    more: Type.Optional(
      Type.Object(
        {
          given: CodeGiven,
          /** The build that the run goes by, and the file of its workflow, for messages. */
          digest: BundleDigest,
          file: Type.String({ minLength: 1, maxLength: 1024 }),
          /** As an initializer gives them; the registry checks their form. */
          tools: Type.Unknown(),
          skills: Type.Unknown(),
          subagents: Type.Unknown(),
        },
        closed,
      ),
    ),
    /** A place of the folder that its tools work in. */
    place: Type.Optional(Type.String({ minLength: 1, maxLength: 4096 })),
    by: Type.String({ minLength: 1, maxLength: 200 }),
  },
  closed,
)
export type VaryVersion = Static<typeof VaryVersion>
export interface VariedVersion {
  readonly digest: string
}

/** Stands in a definition whose prompts each name their model (`model: false`). */
export const noModel = 'none/each-prompt-names-it'

export interface ConfiguredAgent {
  readonly agent: string
  /** Of the version. */
  readonly digest: string
  readonly definition: AgentDefinition
  readonly code: CodeBuild
}
