// Code of users that an agent names: `tools_file: ./x.ts`, and `- file: ./x.ts` in `tools`. Both are the same, and several may stand
// together. The command line bundles the file and sends it; the registry keeps the bundle by its digest, and stores in place of the
// path what is needed to run it. Pure.
//   C1. What is stored names a digest, a size and tools. A bare path is a request to read that file: nobody but the command line reads it.
//   C2. A text that names a digest names the stored copy, whatever lies at the path now.
import { createHash } from 'node:crypto'
import { type Static, type TUnsafe, Type } from 'typebox'
import { ReplayClass, ToolRisk } from '../../events/session.ts'
import { isMapping, itemPath, problemsOf, type Schema, type SchemaProblem, shown } from '../../schema-problems.ts'
import { CodeGiven, CodeInstance } from './instance.ts'
import { Labels } from '../pools.ts'

const closed = { additionalProperties: false } as const
const JsonSchema: TUnsafe<Record<string, unknown>> & { readonly type?: 'object' } = Type.Unsafe(Type.Object({}))
const Seconds = Type.Number({ exclusiveMinimum: 0, maximum: 86_400 })
const Names = Type.Array(Type.String({ minLength: 1, maxLength: 200 }), { maxItems: 50 })

/** A tool as its bundle declares it. Times in seconds; what is absent was not said. */
export const CodeTool = Type.Object(
  {
    name: Type.String({ pattern: '^[A-Za-z0-9_-]{1,64}$' }),
    description: Type.String({ minLength: 1 }),
    parameters: JsonSchema,
    output: Type.Optional(JsonSchema),
    risk: ToolRisk,
    replay: ReplayClass,
    timeout: Type.Optional(Seconds),
    slow_after: Type.Optional(Seconds),
    secret_requests: Type.Optional(Names),
    config_requests: Type.Optional(Names),
    /** `by-arguments`: a function of the tool decides for each call. */
    approval: Type.Optional(
      Type.Union([Type.Literal('auto'), Type.Literal('ask'), Type.Literal('must'), Type.Literal('by-arguments')]),
    ),
  },
  { ...closed, title: 'tool' },
)
export type CodeTool = Static<typeof CodeTool>

const bundleDigestPattern = '^sha256-[0-9a-f]{64}$'
/** What names a bundle: the sha256 of its bytes. */
export const BundleDigest = Type.String({
  pattern: bundleDigestPattern,
  description: 'sha256- and 64 hexadecimal digits',
})

export const bundleDigest = (bytes: Uint8Array): string => `sha256-${createHash('sha256').update(bytes).digest('hex')}`

/** Of bundled code: a file, all files of an agent together, and how many there may be. */
export const maxBundleBytes = 4 * 1024 * 1024
export const maxBundlesBytes = 8 * 1024 * 1024
export const maxCodeFiles = 20
export const maxCodeTools = 128
/** Of an agent, and of those that are written in its definition. */
export const maxSkillFolders = 20

export const CodeFile = Type.Object(
  {
    file: Type.String({
      minLength: 1,
      maxLength: 1024,
      pattern: '^[^\\u0000]+$',
      description: 'The path of a TypeScript file, relative to the YAML file',
    }),
    digest: Type.Optional(
      Type.String({
        ...BundleDigest,
        description: 'Names the stored copy, so that the file is not read. Reins fills it in',
      }),
    ),
    size: Type.Optional(Type.Integer({ minimum: 1, description: 'Bytes of the stored copy. Reins fills it in' })),
    tools: Type.Optional(
      Type.Array(CodeTool, { maxItems: maxCodeTools, description: 'What the file declares. Reins fills it in' }),
    ),
    network: Type.Optional(
      Type.Boolean({ description: 'Let the tools use the network, if the operator allows it. Default false' }),
    ),
  },
  { ...closed, title: 'file entry' },
)
export type CodeFile = Static<typeof CodeFile>

export const ToolsFile = Type.Union(
  [
    CodeFile.properties.file,
    CodeFile,
    Type.Array(Type.Union([CodeFile.properties.file, CodeFile]), { maxItems: maxCodeFiles }),
  ],
  { description: 'TypeScript files with tools of your own: the same as entries `- file: …` in `tools`' },
)
export type ToolsFile = Static<typeof ToolsFile>

/** What a bundle says of the code in it that decides for sessions. */
export const WorkflowFacts = Type.Object({ affinity: Type.Optional(Labels) }, closed)
export type WorkflowFacts = Static<typeof WorkflowFacts>

/** The code that decides for the sessions of an agent, as it is stored or named. */
export const WorkflowEntry = Type.Object(
  {
    file: CodeFile.properties.file,
    digest: CodeFile.properties.digest,
    size: CodeFile.properties.size,
    network: Type.Optional(
      Type.Boolean({ description: 'Let the code use the network, if the operator allows it. Default false' }),
    ),
    affinity: Type.Optional(Labels),
  },
  { ...closed, title: 'workflow file' },
)
export type WorkflowEntry = Static<typeof WorkflowEntry>

export const WorkflowFile = Type.Union([CodeFile.properties.file, WorkflowEntry], {
  description: 'A TypeScript file that decides what happens in the sessions of the agent (docs/workflows.md)',
})

/** The workflow file that a definition names, rightly; undefined: it names none. */
export function workflowEntry({
  workflow_file: value,
}: {
  readonly workflow_file?: unknown
}): WorkflowEntry | undefined {
  if (typeof value === 'string') return { file: value }
  if (isMapping(value) && problemsOf(WorkflowEntry as Schema, value).length === 0) return value as WorkflowEntry
  return undefined
}

/** The labels that executors and tool-runners of an agent need: what its file of code says, and what the definition says itself. */
export const affinityOf = (definition: {
  readonly workflow_file?: unknown
  readonly affinity?: Labels | undefined
}): Labels => ({ ...workflowEntry(definition)?.affinity, ...definition.affinity })

/** What sending code needs beside the permission to write agents, and what naming stored code that the agent does not have yet needs. */
export const registerPermission = 'workflow:*:*:register'

/** A bundle on its way: the contents of what the definition names by the same path. One of `text` and `base64`. */
export const SentFile = Type.Object(
  {
    file: Type.String({ minLength: 1, maxLength: 1024, description: 'The path, as the definition has it' }),
    text: Type.Optional(
      Type.String({
        description: `One ESM module that imports nothing but Node's own, or a bundle of skills (docs/skills.md); at most ${maxBundleBytes} bytes`,
      }),
    ),
    base64: Type.Optional(Type.String({ description: 'The same, in base64' })),
  },
  closed,
)
export type SentFile = Static<typeof SentFile>
export const SentFiles = Type.Array(SentFile, {
  // For each file of code, and for folders of skills.
  maxItems: maxCodeFiles + maxSkillFolders,
  description: `Contents of the files that the definition names; at most ${maxBundlesBytes} bytes in all`,
})

const toolExample = `
  import { defineTool, Type } from '@reins/agent'

  export const add = defineTool({
    description: 'Adds two numbers.',
    parameters: Type.Object({ a: Type.Number(), b: Type.Number() }),
    execute: ({ a, b }) => a + b,
  })`

const codeEndings: readonly string[] = ['.ts', '.mts', '.cts', '.tsx', '.js', '.mjs', '.cjs', '.jsx']

/** Why a file of this name cannot hold tools; undefined: it can. */
export function codeFileFault(file: string): string | undefined {
  const ending = /\.[^./\\]*$/.exec(file)?.[0].toLowerCase() ?? ''
  if (codeEndings.includes(ending)) return undefined
  if (ending === '.py')
    return `is a Python file, and tools are written in TypeScript. Write them as in this file, say tools.ts:\n${toolExample}\n`
  return `is no file of TypeScript or JavaScript: its name must end in ${codeEndings.join(', ')}`
}

/** A place in a definition that names code. */
export interface CodeEntry extends CodeFile {
  /** Whose tools they are; absent: the file's own (stored-definition.ts). */
  readonly instance?: CodeInstance
  /** The operation of a run with which they came. */
  readonly given?: CodeGiven
  /** `tools_file`, `tools[1]`. */
  readonly path: string
}

/** As the registry stores it (C1). */
export interface StoredCode extends CodeEntry {
  readonly digest: string
  readonly size: number
  readonly tools: CodeTool[]
}

export interface CodeEntries {
  readonly entries: readonly CodeEntry[]
  readonly problems: readonly SchemaProblem[]
}

/** Whether an entry of `tools` names a file, rightly or not. */
export const namesFile = (entry: unknown): entry is { readonly file: unknown } =>
  isMapping(entry) && Object.hasOwn(entry, 'file')

/** In the order of the document: `tools_file` first. Takes any value; what is no list of tools at all is said elsewhere. */
export function codeEntries({
  tools_file,
  tools,
}: {
  readonly tools_file?: unknown
  readonly tools?: unknown
}): CodeEntries {
  const named: { readonly path: string; readonly value: unknown }[] = []
  if (Array.isArray(tools_file))
    for (const [index, value] of tools_file.entries()) named.push({ path: itemPath('tools_file', index), value })
  else if (tools_file !== undefined) named.push({ path: 'tools_file', value: tools_file })
  if (Array.isArray(tools))
    for (const [index, value] of tools.entries())
      if (namesFile(value)) named.push({ path: itemPath('tools', index), value })
  const entries: CodeEntry[] = []
  const problems: SchemaProblem[] = []
  for (const { path, value } of named) {
    const found = entryProblems(path, value)
    problems.push(...found)
    if (found.length > 0) continue
    entries.push(typeof value === 'string' ? { path, file: value } : { ...(value as CodeFile), path })
  }
  if (named.length > maxCodeFiles) {
    const path = named[maxCodeFiles]?.path ?? ''
    problems.push({ path, message: `is file ${maxCodeFiles + 1}; an agent has at most ${maxCodeFiles}`, atKey: false })
  }
  return { entries, problems }
}

function entryProblems(path: string, value: unknown): readonly SchemaProblem[] {
  if (typeof value === 'string') return problemsOf(CodeFile.properties.file, value, { path })
  if (isMapping(value)) return problemsOf(CodeFile as Schema, value, { path })
  const message = `must be the path of a TypeScript file, such as ./tools.ts, not ${shown(value)}`
  return [{ path, message, atKey: false }]
}

/** The code of a stored definition, in the order of the document. */
export const storedCode = (definition: {
  readonly tools_file?: unknown
  readonly tools?: unknown
}): readonly StoredCode[] => [...codeEntries(definition).entries, ...madeEntries(definition)].filter(isStored)

/** Tools of instances and of runs, which no person writes (SD1 of stored-definition.ts). */
const madeEntries = ({ tools }: { readonly tools?: unknown }): readonly CodeEntry[] =>
  (Array.isArray(tools) ? tools : []).flatMap((value, index) =>
    isMapping(value) &&
    (problemsOf(CodeInstance as Schema, value.instance).length === 0 ||
      problemsOf(CodeGiven as Schema, value.given).length === 0)
      ? [{ ...(value as unknown as CodeEntry), path: itemPath('tools', index) }]
      : [],
  )

export const isStored = (entry: CodeEntry): entry is StoredCode =>
  entry.digest !== undefined && entry.size !== undefined && entry.tools !== undefined
