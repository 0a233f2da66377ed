// Which agents there are, and where each of them works: no agent works in a folder that holds another's (WP1 of libs/tools).
//   N1. What counts is what the registry says now. A session that keeps an older version of its agent is checked itself when it calls a tool,
//       but another agent is not checked against it.
//   N2. A definition that cannot be read has no folder: it can run no tools either.
import { type AgentDefinition, inlineDefinitions, mcpServers } from '@reins/contracts'
import type { RegistryView } from '@reins/journal'
import { type Neighbour, type Neighbours, workspacesNamed } from '@reins/tools'

/** Definitions that are read at once. */
const together = 50

export class RegisteredNeighbours implements Neighbours {
  readonly #view: Pick<RegistryView, 'seq' | 'agents' | 'version'>
  /** By digest: a version never changes. */
  #known = new Map<string, readonly Neighbour[]>()
  #seq = -1
  #digests = ''
  #refreshing: Promise<void> | undefined
  version = 0
  list: readonly Neighbour[] = []

  constructor(view: Pick<RegistryView, 'seq' | 'agents' | 'version'>) {
    this.#view = view
  }

  async refresh(): Promise<void> {
    while (this.#seq !== this.#view.seq) {
      this.#refreshing ??= this.#read().finally(() => {
        this.#refreshing = undefined
      })
      await this.#refreshing
    }
  }

  async #read(): Promise<void> {
    const { seq } = this.#view
    const digests = [...new Set(this.#view.agents().map(({ digest }) => digest))].sort()
    if (digests.join() !== this.#digests) {
      const known = new Map<string, readonly Neighbour[]>()
      for (let at = 0; at < digests.length; at += together)
        await Promise.all(
          digests.slice(at, at + together).map(async (digest) => {
            known.set(digest, this.#known.get(digest) ?? neighboursIn(await this.#definition(digest)))
          }),
        )
      this.#known = known
      this.list = digests.flatMap((digest) => known.get(digest) ?? [])
      this.version += 1
      this.#digests = digests.join()
    }
    this.#seq = seq
  }

  /** N2. */
  async #definition(digest: string): Promise<AgentDefinition | undefined> {
    const version = await this.#view.version(digest).catch((error: unknown) => {
      if (error instanceof Error && error.name === 'BrokerUnavailable') throw error
      return undefined
    })
    return version?.definition
  }
}

function neighboursIn(definition: AgentDefinition | undefined): readonly Neighbour[] {
  if (!definition) return []
  const all = [definition, ...inlineDefinitions(definition)]
  const kin = all.map(({ name }) => name)
  return all.map((one) => ({
    ...{ agent: one.name, kin },
    workspaces: [...new Set([...workspacesNamed(one), ...workspacesOfServers(one)])],
  }))
}

const workspacesOfServers = (definition: AgentDefinition): readonly (string | null)[] =>
  mcpServers(definition).flatMap(({ at }) => (at.kind === 'stdio' ? [at.workspace] : []))
