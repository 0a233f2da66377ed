// The built-in tools as a source of tools: the first adapter of the port in source.ts.
import type { ReplayClass } from '@reins/contracts'
import { ToolFailure } from '../calls/outcome.ts'
import type { PathLocks } from '../calls/path-locks.ts'
import { runTool } from '../calls/run.ts'
import { readResultName } from '../output/long-results.ts'
import { defaultSettings, type ResolvedTool, type ResolvedTools, resolveTools, toolsProblemsText } from '../resolve.ts'
import type { Sandbox } from '../sandbox/sandbox.ts'
import type { SkillFoldersOnDisk } from '../skills/folders-on-disk.ts'
import type { AskedTools, ToolCatalog, ToolListing, ToolSource, ToolSpec } from '../source.ts'
import type { SpoolPlace } from '../text/spool.ts'
import { WorkerPool } from '../worker/worker-pool.ts'
import { holdPiecesOf, masksOf } from '../workspace/masks.ts'
import { type WorkplaceOptions, Workplaces } from '../workspace/workplaces.ts'
import { mayCutResults, readResult, readResultSpec } from './read-result.ts'

export interface BuiltinOptions extends WorkplaceOptions {
  readonly sandbox: Sandbox
  /** Folders of skills, for commands of agents that have some. Absent: commands see none. */
  readonly skills?: Pick<SkillFoldersOnDisk, 'shownTo'>
  /** Where long outputs of commands wait to be kept. Absent: in the temporary folder, as they are. */
  readonly spool?: SpoolPlace
  /** One for all calls of a process. */
  readonly locks: PathLocks
}

type Definition = AskedTools

/** What there is, for those who run nothing. */
export const builtinCatalog: ToolCatalog & { list(definition: Definition): ToolListing } = { name: 'builtin', list }

/** Whoever makes it closes it. */
export interface BuiltinSource extends ToolSource {
  close(): Promise<void>
}

/** A call whose worker dies under it so often is not run again. */
const maxDeaths = 3

export function builtinSource(options: BuiltinOptions): BuiltinSource {
  const { sandbox, locks } = options
  const { masked } = options.guard
  const workplaces = new Workplaces(options)
  const pool = new WorkerPool({ locks, moved: () => masksOf(masked).moved() })
  holdPiecesOf(masked)
  /** Made when an agent has a sandbox in memory. */
  let inMemory: WorkerPool | undefined
  return {
    ...builtinCatalog,
    run: async ({ name, arguments: args, definition }, context) => {
      if (name === readResultName) return readResult(args, context.kept, defaultSettings.maxOutputChars)
      const { definition: tool, settings } = toolOf(definition, name)
      const place = tool.virtual
        ? { folder: '', guard: options.guard }
        : await workplaces.fresh(definition.name, settings.workspace)
      const { folder: workspace, guard } = place
      if (tool.sandboxed) {
        const shown = await options.skills?.shownTo(definition)
        const seen = shown === undefined ? {} : { shown: [shown] }
        const waits = options.spool === undefined ? {} : { spool: options.spool }
        return runTool(name, args, { ...context, workspace, settings, guard, sandbox, ...seen, ...waits, locks })
      }
      const { idempotencyKey, signal } = context
      const files = tool.virtual ? { files: (await context.files?.()) ?? [] } : {}
      const call = { name, arguments: args, workspace, settings, idempotencyKey, guard, ...files }
      if (tool.virtual) inMemory ??= new WorkerPool({ locks, confined: true })
      for (let deaths = 1; ; deaths += 1) {
        const result = await (tool.virtual && inMemory ? inMemory : pool).run(call, signal)
        if (result.kind === 'ended') return result.outcome
        if (result.outOfMemory || tool.replay === 'never' || deaths === maxDeaths)
          throw crashed(deaths, result.outOfMemory, tool.replay)
      }
    },
    close: async () => void (await Promise.all([pool.close(), inMemory?.close()])),
  }
}

function crashed(deaths: number, outOfMemory: boolean, replay: ReplayClass): ToolFailure {
  const what = outOfMemory
    ? 'the tool needed more memory than it may have, and was ended. Ask for less at once'
    : `the tool's worker ended ${deaths === 1 ? 'once' : `${deaths} times`} while it ran`
  const effect = replay === 'never' ? '. It may or may not have taken effect: check before you repeat it' : ''
  return new ToolFailure('crashed', `${what}${effect}`)
}

function list(definition: Definition): ToolListing {
  const resolved = resolvedOf(definition)
  if (!resolved.ok) return { kind: 'problems', problems: resolved.problems }
  return {
    kind: 'listed',
    tools: [
      ...resolved.tools.map(specOf),
      ...(mayCutResults(
        definition,
        resolved.tools.map(({ definition: { name } }) => name),
      )
        ? [readResultSpec]
        : []),
    ],
  }
}

const specOf = ({ definition, settings, rule }: ResolvedTool): ToolSpec => {
  const { name, description, parameters, replay, risk, time, target } = definition
  return {
    ...{ name, description, replay, risk },
    // The same object for each definition: what is compiled of it is kept by it.
    parameters: parameters as unknown as ToolSpec['parameters'],
    time: time(settings.timeoutMs),
    maxChars: settings.maxOutputChars,
    ...(target === undefined ? {} : { target }),
    ...(rule === undefined ? {} : { rule }),
  }
}

/** A definition is one object for all calls of a session; resolving compiles its patterns. */
const resolvedDefinitions = new WeakMap<Definition, ResolvedTools>()

function resolvedOf(definition: Definition): ResolvedTools {
  const known = resolvedDefinitions.get(definition)
  if (known) return known
  const resolved = resolveTools(definition.tools ?? [])
  resolvedDefinitions.set(definition, resolved)
  return resolved
}

function toolOf(definition: Definition, name: string): ResolvedTool {
  const resolved = resolvedOf(definition)
  if (!resolved.ok) throw new ToolFailure('failed', toolsProblemsText(resolved.problems))
  const tool = resolved.tools.find((one) => one.definition.name === name)
  if (!tool) throw new ToolFailure('not-found', `the agent has no tool "${name.slice(0, 100)}"`)
  return tool
}
