// reins dev: builds a project and deploys it to a Reins on this machine, again with each change.
//   DV1. What is wrong with a save is shown, and the last good build goes on: nothing of a bad one is deployed.
//   DV2. The Reins that it started ends with it; one that was there already stays.
//   DV4. `.env` counts here alone: what the project declares is set from it on this Reins (dev-values.ts).
//   DV5. The types of a client stand beside a build, and follow the modules of each good save.
//   DV6. The same mistake is told once, however many files change: the output of this command may itself lie in the folder.
//   DV3. Sessions are the server's: they are kept over every change, and over the end of this command. After a good save they go on with
//        it (dev-sessions.ts).
import { parseEnv } from 'node:util'
import path from 'node:path'
import { isLoopback } from '@reins/client'
import { type Project, type ProjectAnswer, ReinsError } from '@reins/contracts'
import { clientTypes, type FoundProject, type ProjectBuilder } from '@reins/project'
import type { Command } from 'commander'
import type { ReinsClient } from '../../client-port.ts'
import { CommandFailure, explainFailure, failureText } from '../../failure.ts'
import type { Act, Invocation } from '../../invocation.ts'
import { DevSessions } from '../../projects/dev-sessions.ts'
import { DevValues } from '../../projects/dev-values.ts'
import { discoveredLines } from '../../projects/discovered-lines.ts'
import { projectName } from '../../projects/project-name.ts'
import { oneLine } from '../../text/neutralise.ts'
import { examples } from '../examples.ts'

interface DevOptions {
  readonly name?: string
}

export function devCommand(program: Command, act: Act): void {
  program
    .command('dev')
    .description('Run a project on this machine, and load each change as you save it')
    .argument('[folder]', 'the folder of the project', '.')
    .option('--name <name>', 'the name of the project (default: the name in its package.json, or that of its folder)')
    .addHelpText('after', examples(['reins dev', 'reins dev ./support']))
    .action((folder: string, options: DevOptions, command: Command) => act(dev)([folder, options], command))
}

interface Server {
  readonly url: string
  readonly client: ReinsClient
  /** This command has started it. */
  readonly own: boolean
  close(): Promise<void>
}

async function dev(run: Invocation, folder: string, { name: given }: DevOptions): Promise<void> {
  const tools = run.context.projects
  if (!tools) throw new CommandFailure('Projects cannot be built here.')
  const name = await projectName(tools, folder, given)
  if ((await tools.read(path.join(folder, 'package.json')))?.includes('@reins/agent')) await tools.link(folder)
  const server = await serverFor(run, await tools.read(path.join(folder, '.env')))
  const builder = tools.builder(folder)
  const dotenv = () => tools.read(path.join(folder, '.env'))
  const types = async (project: FoundProject): Promise<void> => {
    const [file, text] = [path.join(folder, 'dist', 'client.d.ts'), clientTypes(project, 'dist')]
    if ((await tools.read(file)) !== text) await tools.write({ [file]: text })
  }
  const one = new Development(run, server, name, builder, dotenv, types)
  try {
    await one.load(performance.now())
    const watched = await tools.watch(folder, (since) => one.load(since))
    run.print(`Watching ${oneLine(path.resolve(folder))}. Press Ctrl-C to stop.`)
    await new Promise<void>((resolve) => {
      if (run.signal.aborted) resolve()
      else run.signal.addEventListener('abort', () => resolve(), { once: true })
      run.context.onTerminate?.(resolve)
    })
    watched.close()
  } finally {
    await builder.close()
    await server.close()
  }
}

class Development {
  readonly #run: Invocation
  readonly #server: Server
  readonly #name: string
  readonly #builder: ProjectBuilder
  readonly #dotenv: () => Promise<string | undefined>
  readonly #types: (project: FoundProject) => Promise<void>
  readonly #values: DevValues
  readonly #sessions: DevSessions
  #deployed: { readonly digest: string; readonly manifest: Project['manifest'] } | undefined
  #listed = ''
  readonly #warned = new Set<string>()
  /** What was wrong with the last save, as it was told. */
  #told: string | undefined

  constructor(
    run: Invocation,
    server: Server,
    name: string,
    builder: ProjectBuilder,
    dotenv: () => Promise<string | undefined>,
    types: (project: FoundProject) => Promise<void>,
  ) {
    this.#dotenv = dotenv
    this.#types = types
    this.#sessions = new DevSessions(server.client)
    this.#values = new DevValues(server.client, server.own)
    this.#run = run
    this.#server = server
    this.#name = name
    this.#builder = builder
  }

  /** `since`: when the change was seen (performance.now()). */
  async load(since: number): Promise<void> {
    const built = await this.#builder.build()
    if (built.kind === 'failed') return this.#bad(built.problems.join('\n'))
    try {
      if (built.digest === this.#deployed?.digest) {
        if (this.#told !== undefined)
          this.#run.print(this.#run.style.green('What is saved is the last good build again.'))
        this.#told = undefined
        return await this.#giveValues(this.#deployed.manifest)
      }
      const { project, warnings = [] } = await this.#deploy(built.text)
      this.#deployed = { digest: built.digest, manifest: project.manifest }
      this.#told = undefined
      const lines = discoveredLines(built.project, project.manifest)
      if (lines.join('\n') !== this.#listed) for (const line of lines) this.#run.print(line)
      this.#listed = lines.join('\n')
      const took = Math.round(performance.now() - since)
      const { green } = this.#run.style
      this.#run.print(
        green(`Loaded version ${project.version} of ${this.#name} in ${took} ms, on ${this.#server.url}.`),
      )
      await this.#giveValues(project.manifest)
      this.#warn(warnings)
      await this.#types(built.project)
      for (const line of await this.#sessions.follow(project.manifest.agents)) this.#run.hint(line)
    } catch (error) {
      this.#bad(failureText(explainFailure(error)))
    }
  }

  /** The agent of a new Reins gives its name to a module of the project, on a Reins that this command has started (DV2). */
  async #deploy(text: string): Promise<ProjectAnswer> {
    const { client, own } = this.#server
    try {
      return await client.projects.deploy(this.#name, text, { development: true })
    } catch (error) {
      const untouched = own && error instanceof ReinsError ? untouchedIn(error.details) : []
      if (untouched.length === 0) throw error
      for (const name of untouched) {
        await client.agents.delete(name)
        this.#run.hint(`The agent ${oneLine(name)} that Reins made at its first start gives its name to the project.`)
      }
      return client.projects.deploy(this.#name, text, { development: true })
    }
  }

  async #giveValues(manifest: Project['manifest']): Promise<void> {
    for (const line of await this.#values.give(manifest, await this.#dotenv())) this.#run.hint(line)
  }

  /** Each once. What its own values lack, it has told already. */
  #warn(warnings: readonly string[]): void {
    for (const warning of warnings) {
      if (/^The (config|secret) \S+ is not set:/.test(warning) || this.#warned.has(warning)) continue
      this.#warned.add(warning)
      this.#run.hint(this.#run.style.yellow(oneLine(warning)))
    }
  }

  /** DV1, DV6. */
  #bad(text: string): void {
    if (text === this.#told) return
    this.#told = text
    const { red } = this.#run.style
    const rest = this.#deployed === undefined ? 'Nothing is loaded yet.' : 'The last good build goes on.'
    this.#run.print(`${red('This save was not loaded:')}\n${text.replace(/^reins: /, '').trimEnd()}\n${rest}`)
  }
}

function untouchedIn(details: unknown): readonly string[] {
  const { untouched } = (details ?? {}) as { readonly untouched?: unknown }
  return Array.isArray(untouched) ? untouched.map(String) : []
}

/** DV2. */
async function serverFor(run: Invocation, dotenv: string | undefined): Promise<Server> {
  const { context } = run
  const client = await run.client()
  try {
    await client.projects.list()
    return { url: run.server, client, own: false, close: async () => undefined }
  } catch (error) {
    const away = error instanceof ReinsError && error.code === 'unavailable'
    if (!away || !isLoopback(run.server) || !context.startServer) throw error
  }
  run.print(`No Reins answers at ${run.server}: one is started here.`)
  const started = await context.startServer({
    port: new URL(run.server).port || '80',
    env: dotenv === undefined ? {} : (parseEnv(dotenv) as Record<string, string>),
  })
  const token = await context.readAdminToken()
  const here = context.connect({ baseUrl: started.url, ...(token === undefined ? {} : { token }) })
  return { url: started.url, client: here, own: true, close: () => started.close() }
}
