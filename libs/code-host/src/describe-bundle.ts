// What tools a bundle has: it is loaded once, in a host of its own that ends with the answer.
//   D1. The facts come out of the bundle's own code, so they are checked here; whoever stores them may trust them.
//   D2. Every mistake is named, with file and export, before anything is stored; one mistake, and there are no tools.
import { CodeTool, formOf, maxCodeTools, ProjectManifest, problemsOf, WorkflowFacts } from '@reins/contracts'
import type { Guard, Sandbox } from '@reins/tools'
import { HostProcess } from './host-process.ts'
import { defaultLoadMs, hostLimits, hostMemoryMb } from './limits.ts'
import type { FoundExport } from './messages.ts'

export interface BundleProblem {
  readonly file: string
  /** Absent where it is the whole file. */
  readonly export?: string
  readonly message: string
}

export type BundleDescription =
  | {
      readonly kind: 'tools'
      readonly tools: readonly CodeTool[]
      readonly workflow?: WorkflowFacts
      /** It is the bundle of a project. */
      readonly project?: ProjectManifest
    }
  | { readonly kind: 'problems'; readonly problems: readonly BundleProblem[] }
  /** Nothing is known of the bundle: this machine can run no host now. */
  | { readonly kind: 'refused'; readonly message: string }

export interface DescribeOptions {
  readonly sandbox: Sandbox
  readonly guard: Guard
  readonly signal?: AbortSignal
  /** ms in which it must have loaded. */
  readonly loadMs?: number
}

const isTool = formOf(CodeTool)
const isWorkflow = formOf(WorkflowFacts)
const isManifest = formOf(ProjectManifest)

/** What a bundle is named as. */
export type WantedCode = 'tools' | 'workflow' | 'project'

/** `file`: the path as its owner wrote it, for messages. `text`: one ESM module that imports nothing but Node's own. */
export async function describeBundle(
  { file, text, wanted = 'tools' }: { readonly file: string; readonly text: string; readonly wanted?: WantedCode },
  { sandbox, guard, signal = new AbortController().signal, loadMs = defaultLoadMs }: DescribeOptions,
): Promise<BundleDescription> {
  const options = {
    sandbox,
    guard,
    network: false,
    memoryMb: hostMemoryMb,
    limits: { ...hostLimits, probes: true },
    loadMs,
  }
  const start = await HostProcess.start({ ...options, bundle: { file, text } }, signal)
  switch (start.kind) {
    case 'refused':
      return { kind: 'refused', message: start.message }
    case 'not-loaded':
      return { kind: 'problems', problems: [{ file, message: `cannot be loaded: ${start.message}` }] }
    case 'started':
      start.host.end()
      return described(file, start.found, wanted)
    default:
      return start satisfies never
  }
}

/** D1, D2. */
function described(file: string, found: readonly FoundExport[], wanted: WantedCode): BundleDescription {
  const problems: BundleProblem[] = []
  const tools = new Map<string, { readonly tool: CodeTool; readonly export: string }>()
  let workflow: WorkflowFacts | undefined
  let project: ProjectManifest | undefined
  for (const one of found) {
    if (one.kind === 'workflow') {
      if (isWorkflow(one.facts)) workflow = one.facts
      else
        problems.push({
          ...{ file, export: 'affinity' },
          message: "must be labels with texts as values, such as { role: 'harness' }",
        })
      continue
    }
    if (one.kind === 'project') {
      if (isManifest(one.facts)) project = one.facts
      else problems.push({ file, message: `says of itself what no project can be: ${firstProblem(one.facts)}` })
      continue
    }
    if (one.kind === 'problem') {
      problems.push({ file, message: one.message, ...(one.export === undefined ? {} : { export: one.export }) })
      continue
    }
    if (!isTool(one.facts)) {
      problems.push({ file, export: one.export, message: 'says of itself what no tool can be' })
      continue
    }
    const other = tools.get(one.facts.name)
    if (other) {
      const message = `has the name "${one.facts.name}", which the tool exported as ${other.export} has too`
      problems.push({ file, export: one.export, message })
    }
    tools.set(one.facts.name, { tool: one.facts, export: one.export })
  }
  if (found.length === 0) problems.push({ file, message: missing[wanted] })
  else if (problems.length === 0 && (project !== undefined) !== (wanted === 'project'))
    problems.push({ file, message: project ? notAFile : missing.project })
  if (tools.size > maxCodeTools) problems.push({ file, message: `has ${tools.size} tools; ${maxCodeTools} at most` })
  if (problems.length > 0) return { kind: 'problems', problems }
  return {
    kind: 'tools',
    tools: [...tools.values()].map(({ tool }) => tool),
    ...(workflow ? { workflow } : {}),
    ...(project ? { project } : {}),
  }
}

const missing: Readonly<Record<WantedCode, string>> = {
  tools: 'exports no tool: write "export const my_tool = defineTool({ … })", with defineTool of @reins/agent',
  workflow: 'exports no workflow: write "export default async function agent_chat(ctx) { … }" (docs/workflows.md)',
  project: 'is no bundle of a project: build the project with reins build, and send what that made (docs/deploy.md)',
}
const notAFile = 'is the bundle of a project: deploy it with reins deploy (docs/deploy.md)'

function firstProblem(value: unknown): string {
  const [problem] = problemsOf(ProjectManifest, value)
  return `${problem?.path ?? ''} ${problem?.message ?? ''}`.trim()
}
