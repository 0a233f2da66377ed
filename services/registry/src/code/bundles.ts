// Code that a definition names: which bundle each of its places means, what tools that has, and how it comes to be kept.
//   B1. Nothing is kept before all of a definition is right; a bundle is loaded once, in a code host, before anybody may name it.
//   B2. The order of keeping is: the bytes, the record of their tools, the version, the agent. Each names only what is there already,
//       so a process that dies anywhere leaves nothing that names what is not there.
//   B3. A place with a digest means the stored copy; a place without one means contents that came with the request.
//   B5. Code that is not kept here yet is refused while the disk has no room for new things; what is kept can be named as ever.
//   B6. A build of `reins dev` goes when nobody needs it (development-builds.ts). Whoever deploys it claims it, so that it stays; whoever
//       does so in another way makes it one that stays for ever.
//   B4. What the agent does not have yet needs a permission (H1 of had-code.ts).
import {
  type AgentDefinition,
  type BundleEntry,
  type CodeEntry,
  type CodeTool,
  canonicalJson,
  codeEntries,
  codeFileFault,
  type Problem,
  placedSkills,
  type ProjectManifest,
  ReinsError,
  type SentFile,
  type Skill,
  type SkillsFolder,
  type StoredCode,
  type StoredSkills,
  type WorkflowEntry,
  type WorkflowFacts,
  workflowEntry,
} from '@reins/contracts'
import { type BundleStore, parseBundle } from '@reins/journal'
import { noPausePoints, type PausePoint } from '@reins/service'
import { type Document, problemAt } from '../definition/plain-value.ts'
import type { RegistryLog } from '../registry-log.ts'
import { mustHaveAll, withStored } from './had-code.ts'
import { type Bundle, readSentFiles, unnamed } from './sent-files.ts'
import { skillsOf } from './skills.ts'
import { nameClashes } from './tool-names.ts'

export type BundleDescription =
  | {
      readonly kind: 'tools'
      readonly tools: readonly CodeTool[]
      readonly workflow?: WorkflowFacts
      readonly project?: ProjectManifest
    }
  | { readonly kind: 'problems'; readonly problems: readonly { readonly export?: string; readonly message: string }[] }
  /** Nothing is known of the bundle: no code can be loaded here now. */
  | { readonly kind: 'refused'; readonly message: string }

/** Loads a bundle once, in a process of its own. `file`: for messages. `wanted`: what it is named as. */
export type DescribeBundle = (bundle: {
  readonly file: string
  readonly text: string
  readonly wanted: CodeUse
}) => Promise<BundleDescription>

/** What a place of a definition names code as; a project is named by no definition. */
export type CodeUse = 'tools' | 'workflow' | 'project'

export interface BundlesOptions {
  readonly store: Pick<BundleStore, 'put'>
  readonly log: Pick<RegistryLog, 'last' | 'write'>
  readonly describe: DescribeBundle
  /** Why nothing new is kept now; undefined: it is. */
  readonly full?: () => ReinsError | undefined
  /** For tests, which stop the process there. */
  readonly pauseAt?: PausePoint
}

/** Of a registry that takes no code. */
export const noCode: Pick<BundlesOptions, 'store' | 'describe'> = {
  describe: async () => ({ kind: 'refused', message: 'this registry takes no code.' }),
  store: { put: () => Promise.reject(new Error('this registry takes no code')) },
}

export interface CodeRequest {
  readonly definition: AgentDefinition
  readonly places: Document['places']
  readonly files: readonly SentFile[]
  readonly mayRegister: boolean
  /** What the agent is now; undefined: there is none. */
  readonly current: AgentDefinition | undefined
}

/** Loaded, and not kept yet. */
export interface FreshBundle extends Bundle {
  readonly tools: CodeTool[]
  /** Of a folder of skills. */
  readonly skills?: Skill[]
  readonly workflow?: WorkflowFacts
  readonly project?: ProjectManifest
}

export type ResolvedCode =
  | { readonly kind: 'resolved'; readonly definition: AgentDefinition; readonly fresh: readonly FreshBundle[] }
  | { readonly kind: 'problems'; readonly problems: readonly Problem[] }

/** Bundles that are loaded at once. */
const loadedAtOnce = 2
/** A record is one message; and a definition has room for so much at most. */
const maxToolsBytes = 300 * 1024

export class Bundles {
  readonly #options: BundlesOptions
  readonly #pauseAt: PausePoint
  #loading: Promise<unknown>[] = Array.from({ length: loadedAtOnce }, () => Promise.resolve())

  constructor(options: BundlesOptions) {
    this.#options = options
    this.#pauseAt = options.pauseAt ?? noPausePoints
  }

  /** Throws ReinsError forbidden, or unavailable. */
  async resolve({ definition, places, files, mayRegister, current }: CodeRequest): Promise<ResolvedCode> {
    const { entries } = codeEntries(definition)
    const workflow = workflowEntry(definition)
    const ofWorkflow: readonly CodeEntry[] = workflow ? [{ ...placeOf(workflow), path: 'workflow_file' }] : []
    const folders = placedSkills(definition)
    const sent = readSentFiles(files)
    const named = new Set([
      ...[...entries, ...ofWorkflow].map(({ file }) => file),
      ...folders.map(({ folder }) => folder.dir),
    ])
    const problems: Problem[] = [...sent.problems, ...unnamed(sent.bundles, named)]
    const say = (path: string, message: string) => void problems.push(problemAt(places, path, message))
    if (!mayRegister) mustHaveAll([...entries, ...ofWorkflow], folders, current) // B4
    const fresh = new Map<string, FreshBundle>()
    const stored: StoredCode[] = []
    for (const entry of entries) {
      const bundle = await this.#bundleOf(entry, 'tools', sent.bundles.get(entry.file), fresh, say)
      if (bundle) stored.push({ ...entry, digest: bundle.digest, size: bundle.size, tools: bundle.tools })
    }
    let decides: WorkflowEntry | undefined
    for (const entry of ofWorkflow) {
      const bundle = await this.#bundleOf(entry, 'workflow', sent.bundles.get(entry.file), fresh, say)
      if (!bundle || !workflow) continue
      const { affinity } = bundle.workflow ?? {}
      decides = {
        ...placeOf(workflow),
        ...{ digest: bundle.digest, size: bundle.size },
        ...(affinity === undefined ? {} : { affinity }),
      }
      const other = Object.keys(affinity ?? {}).find(
        (label) => (definition.affinity?.[label] ?? affinity?.[label]) !== affinity?.[label],
      )
      if (other !== undefined)
        say(
          'affinity',
          `asks for ${other}=${definition.affinity?.[other]}, and ${workflow.file} exports an affinity with ${other}=${affinity?.[other]}: make them the same, or leave one out`,
        )
    }
    const skills = new Map<string, StoredSkills>()
    for (const { path, folder } of folders) {
      const found = await this.#skills(path, folder, sent.bundles.get(folder.dir), fresh, say)
      if (found) skills.set(path, found)
    }
    if (problems.length === 0)
      for (const { path, message } of nameClashes(definition, stored, (at) => places.get(at)?.line)) say(path, message)
    if (problems.length > 0) return { kind: 'problems', problems }
    return { kind: 'resolved', definition: withStored(definition, stored, skills, decides), fresh: [...fresh.values()] }
  }

  /** B2. `development`: of `reins dev`. Rejects with BrokerUnavailable. */
  async keep(fresh: readonly FreshBundle[], by: string, at: number, development = false): Promise<void> {
    const { store, log } = this.#options
    for (const { digest, bytes, tools, skills, workflow, project } of fresh) {
      const before = await log.last('bundle', digest, { leader: true })
      const removal = parseBundle(before?.value)?.development === 'removed' ? before?.seq : undefined
      await store.put(digest, bytes, removal)
      await this.#pauseAt('registry.bytes-kept')
      const entry: BundleEntry = {
        digest,
        size: bytes.length,
        at,
        by,
        tools,
        ...(skills ? { skills } : {}),
        ...(workflow ? { workflow } : {}),
        ...(project ? { project } : {}),
        ...(development ? { development: 'kept' } : {}),
      }
      await log.write('bundle', digest, entry, removal ?? 0) // refused: somebody kept the same one
    }
  }

  /** B6. False: it is not kept here, or not any more. Rejects with BrokerUnavailable. */
  async claim(digest: string, development: boolean): Promise<boolean> {
    for (;;) {
      const record = await this.#options.log.last('bundle', digest, { leader: true })
      const entry = parseBundle(record?.value)
      if (!record || !entry || entry.development === 'removed') return false
      const { development: was, ...stays } = entry
      if (was === undefined || (development && was === 'kept')) return true
      const next: BundleEntry = development ? { ...stays, development: 'kept' } : stays
      if ((await this.#options.log.write('bundle', digest, next, record.seq)).kind === 'written') return true
    }
  }

  /** It was a build of `reins dev` that nobody needed. */
  async removed(digest: string): Promise<boolean> {
    const record = await this.#options.log.last('bundle', digest, { leader: true })
    return parseBundle(record?.value)?.development === 'removed'
  }

  /** The bundle of a project, loaded where it is not known yet. Throws ReinsError unavailable. */
  async project(
    name: string,
    text: string,
  ): Promise<
    | { readonly kind: 'known' | 'fresh'; readonly bundle: FreshBundle; readonly manifest: ProjectManifest }
    | { readonly kind: 'problems'; readonly problems: readonly Problem[] }
  > {
    const { bundles, problems } = readSentFiles([{ file: name, text }])
    const sent = bundles.get(name)
    if (!sent || problems.length > 0) return { kind: 'problems', problems }
    const known = await this.#known(sent.digest)
    if (known?.project) return { kind: 'known', bundle: { ...sent, tools: [] }, manifest: known.project }
    const said: Problem[] = []
    const bundle = await this.#load('bundle', name, 'project', sent, (path, message) => said.push({ path, message }))
    if (!bundle?.project) return { kind: 'problems', problems: said }
    return { kind: 'fresh', bundle, manifest: bundle.project }
  }

  /** Of a bundle that is kept; undefined: it is none of a project. */
  async manifest(digest: string): Promise<{ readonly size: number; readonly manifest: ProjectManifest } | undefined> {
    const known = await this.#known(digest)
    return known?.project && { size: known.size, manifest: known.project }
  }

  /** What a place means, or undefined where that was said to be wrong. */
  async #bundleOf(
    entry: CodeEntry,
    wanted: CodeUse,
    sent: Bundle | undefined,
    fresh: Map<string, FreshBundle>,
    say: (path: string, message: string) => void,
  ): Promise<(Pick<StoredCode, 'digest' | 'size' | 'tools'> & { readonly workflow?: WorkflowFacts }) | undefined> {
    const { path, file } = entry
    const fault = entry.digest === undefined ? codeFileFault(file) : undefined
    if (fault !== undefined) {
      say(path, `(${file}) ${fault}`)
      return undefined
    }
    const digest = entry.digest ?? sent?.digest
    if (digest === undefined) {
      say(path, `names the file ${file}, and its contents did not come with the request. ${wayOut}`)
      return undefined
    }
    if (sent && sent.digest !== digest) {
      say(path, `(${file}) names the digest ${digest}, and the contents that came with it have ${sent.digest}`)
      return undefined
    }
    const known =
      fresh.get(digest) ?? (await this.#known(digest)) ?? (sent && (await this.#load(path, file, wanted, sent, say)))
    if (!known) {
      if (!sent) say(path, `(${file}) names the digest ${digest}, and no such bundle is stored here. ${elsewhere}`)
      return undefined
    }
    if (known.skills) {
      say(path, `(${file}) names a digest of skills, which are no code: skills belong to skills_dir`)
      return undefined
    }
    if (wanted === 'workflow' && !known.workflow) {
      say(path, `(${file}) exports no workflow: ${workflowForm}`)
      return undefined
    }
    if (wanted === 'tools' && known.tools.length === 0) {
      say(path, `(${file}) exports no tool; a file that decides what happens in sessions is named by workflow_file`)
      return undefined
    }
    if ('bytes' in known) fresh.set(digest, known)
    const size = 'bytes' in known ? known.bytes.length : known.size
    if (entry.size !== undefined && entry.size !== size)
      say(path, `(${file}) says that its size is ${entry.size}; it is ${size}`)
    if (entry.tools !== undefined && canonicalJson(entry.tools) !== canonicalJson(known.tools))
      say(path, `(${file}) has other "tools" than its code declares: leave them out, Reins fills them in`)
    return { digest, size, tools: known.tools, ...(known.workflow ? { workflow: known.workflow } : {}) }
  }

  /** As `#bundleOf`, for the folder of skills. */
  async #skills(
    path: string,
    folder: SkillsFolder,
    sent: Bundle | undefined,
    fresh: Map<string, FreshBundle>,
    say: (path: string, message: string) => void,
  ): Promise<StoredSkills | undefined> {
    const found = await skillsOf(folder, sent, (digest) => this.#known(digest))
    if (found.kind === 'problems') {
      for (const message of found.problems) say(path, message)
      return undefined
    }
    if (found.kind === 'sent') {
      const obstacle = this.#options.full?.() // B5
      if (obstacle) throw obstacle
      fresh.set(found.bundle.digest, found.bundle)
    }
    return found.stored
  }

  async #known(digest: string): Promise<BundleEntry | undefined> {
    const record = await this.#options.log.last('bundle', digest)
    if (!record) return undefined
    const entry = parseBundle(record.value)
    if (!entry) throw new Error(`the record of the bundle ${digest} (sequence ${record.seq} of REG) is damaged`)
    return entry.development === 'removed' ? undefined : entry
  }

  /** B1. */
  async #load(
    path: string,
    file: string,
    wanted: CodeUse,
    { digest, bytes }: Bundle,
    say: (path: string, message: string) => void,
  ): Promise<FreshBundle | undefined> {
    const obstacle = this.#options.full?.() // B5
    if (obstacle) throw obstacle
    const described = await this.#describe(file, new TextDecoder().decode(bytes), wanted)
    if (described.kind === 'refused')
      throw new ReinsError('unavailable', `The code of ${file} cannot be loaded here: ${described.message}`)
    if (described.kind === 'problems') {
      for (const { export: name, message } of described.problems)
        say(path, name === undefined ? `(${file}) ${message}` : `(${file}, export ${name}) ${message}`)
      return undefined
    }
    const tools = [...described.tools]
    const { workflow, project } = described
    const size = Buffer.byteLength(JSON.stringify(tools)) + (project ? Buffer.byteLength(JSON.stringify(project)) : 0)
    if (size <= maxToolsBytes)
      return { digest, bytes, tools, ...(workflow ? { workflow } : {}), ...(project ? { project } : {}) }
    say(
      path,
      `(${file}) has tools whose descriptions and schemas take ${size} bytes; at most ${maxToolsBytes} are allowed`,
    )
    return undefined
  }

  #describe(file: string, text: string, wanted: CodeUse): Promise<BundleDescription> {
    const [next = Promise.resolve(), ...others] = this.#loading
    const loaded = next.then(() => this.#options.describe({ file, text, wanted }))
    this.#loading = [...others, loaded.catch(() => undefined)]
    return loaded
  }
}

const placeOf = ({ file, digest, size, network }: WorkflowEntry): WorkflowEntry => ({
  file,
  ...(digest === undefined ? {} : { digest }),
  ...(size === undefined ? {} : { size }),
  ...(network === undefined ? {} : { network }),
})

const workflowForm = 'write "export default async function agent_chat(ctx) { … }" (docs/workflows.md)'
const wayOut =
  'Reins reads no file but where you type reins agent apply, which sends the contents; over HTTP, send them in "files" (docs/tools.md).'
const elsewhere = 'Leave "digest", "size" and "tools" out, and apply the definition where the file is.'
