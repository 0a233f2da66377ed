// An instance of an agent that a module of a project makes: which agent, and for which id its initializer ran.
import { type Static, Type } from 'typebox'

/** Names of code agents, workflows and channels: wider than those of YAML agents, since they are names of files. */
export const moduleNamePattern = '^[A-Za-z0-9][A-Za-z0-9._-]{0,63}$'

/** The name of an agent that is made in the file of a workflow, which exports no name: the workflow's, and its place among all of them. */
export const inlineAgent = (workflow: string, place: number): string => `${workflow}~${place}`
export const workflowOfInline = (agent: string): string | undefined => /^(.+)~\d{1,3}$/.exec(agent)?.[1]
/** Of all agents that come from a project. */
export const codeAgentPattern = '^[A-Za-z0-9][A-Za-z0-9._-]{0,63}(~[0-9]{1,3})?$'

/** Characters of an id: any segment of an address that is not blank. */
export const maxInstanceId = 128

export const CodeInstance = Type.Object(
  {
    agent: Type.String({ pattern: codeAgentPattern }),
    id: Type.String({ minLength: 1, maxLength: maxInstanceId }),
    /** In a workflow: what that was given. */
    payload: Type.Optional(Type.Unknown()),
    /** Of a subagent: the names of profiles, from the outermost. */
    path: Type.Optional(Type.Array(Type.String({ minLength: 1, maxLength: 64 }), { maxItems: 8 })),
  },
  { additionalProperties: false, title: 'instance' },
)
export type CodeInstance = Static<typeof CodeInstance>

/**
 * What the code of a run gave with one operation: a function of a tool that stands in no module, and is found by replaying the run up to that
 * operation.
 */
export const CodeGiven = Type.Object(
  {
    /** The session of the run. */
    run: Type.String({ minLength: 1, maxLength: 128 }),
    position: Type.Integer({ minimum: 0 }),
    /** Of the workflow: what its tools dispatch is on its behalf. */
    project: Type.String({ minLength: 1, maxLength: 64 }),
    /** Of a subagent: the names of profiles, from the outermost. */
    path: Type.Optional(Type.Array(Type.String({ minLength: 1, maxLength: 64 }), { maxItems: 8 })),
  },
  { additionalProperties: false, title: 'given' },
)
export type CodeGiven = Static<typeof CodeGiven>

/** A build of a project, as far as an initializer of it can be run again, whatever was deployed since. */
export const CodeBuild = Type.Object({
  project: Type.String({ minLength: 1, maxLength: 64 }),
  /** Version of the project. */
  build: Type.Integer({ minimum: 1 }),
  /** Of the bundle. */
  digest: Type.String({ minLength: 1, maxLength: 128 }),
  size: Type.Integer({ minimum: 1 }),
  /** Of the agent's module, for messages. */
  file: Type.String({ minLength: 1, maxLength: 1024 }),
  /** Names of the configs and secrets that it declares. */
  env: Type.Optional(Type.Array(Type.String({ maxLength: 200 }), { maxItems: 40 })),
  secrets: Type.Optional(Type.Array(Type.String({ maxLength: 200 }), { maxItems: 40 })),
})
export type CodeBuild = Static<typeof CodeBuild>
