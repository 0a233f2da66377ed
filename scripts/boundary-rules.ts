// The import boundaries of the repository, over a tree that is given as text. Pure.
//   B1. A package imports only packages that stand below it: the table `mayImport`. Services never import services.
//   B2. A package is imported by a door: its name, or what its `exports` name. No path leads from one package into another's folders.
//       Two exceptions have no door: test support of a package (`test/`), for the whole-system tests and the tests of packages that may
//       import it, and two of scripts/: with-node.mjs, for what starts a Node, and bundle.ts, for what starts the product.
//   B3. Nothing in `src` imports its own package's door, neither by path nor by name: it would import itself in a circle.
//   B4. `process.env` is read in files called config.ts, in tests and in scripts; nowhere else.
//   B5. What a package imports stands in its package.json, and what stands there is imported. Tests may also use what the root has
//       for development (vitest, testcontainers).
//   B6. Rooms of a package: some of its folders may not know certain packages, or other folders of it. The table `rooms`.
//   B7. What can fail by an event (a stream, a socket, a server, a child, a worker) is listened to in the file that makes it: an error
//       that nobody hears ends the process. The table `deaf` says where something else listens.
//   B8. A subject of the broker is built where subjects are: `subjectFiles`. Elsewhere in the product no text begins like one.
//   B9. Nobody subscribes at the client itself: what a listener throws ends the client's reading. `listen` of libs/broker catches it.
//   B10. What came from the broker is parsed by `jsonValue` or `decoder` of libs/contracts, which never throw: whoever may write there may
//       write anything. So a file that speaks with the broker has no JSON.parse and no `.json()`; `parsers` names those that parse else.
import { builtinModules } from 'node:module'
import path from 'node:path'
import { withoutListener } from './error-listeners.ts'
import { environmentReads, importsOf, parsesIn, subjectsIn, subscriptionsIn } from './imports.ts'

/** Path from the root, with slashes → text. package.json files among them say where packages are. */
export type Tree = ReadonlyMap<string, string>

export interface Problem {
  readonly file: string
  /** Counted from 1; undefined when it is the whole file. */
  readonly line: number | undefined
  readonly message: string
}

interface Package {
  /** From the root; '' for the root itself. */
  readonly folder: string
  readonly name: string
  readonly declared: readonly string[]
  readonly development: readonly string[]
  /** As they are imported: `@reins/contracts`, `@reins/contracts/errors`. */
  readonly doors: readonly string[]
}

const all = 'all'
const serviceMayImport = [
  'libs/contracts',
  'libs/session',
  'libs/broker',
  'libs/journal',
  'libs/holder',
  'libs/projection',
  'libs/context',
  'libs/models',
  'libs/skills',
  'libs/tools',
  'libs/agent',
  'libs/code-host',
  'libs/mcp',
  'libs/secrets',
  'libs/client',
  'libs/telemetry',
  'libs/trace',
  'libs/service',
]

/** B1. By folder; `services/*` share a row. What has no row may import no package of this repository. */
const mayImport: Readonly<Record<string, readonly string[] | typeof all>> = {
  'libs/contracts': [],
  'libs/session': ['libs/contracts'],
  'libs/broker': ['libs/contracts'],
  'libs/journal': ['libs/contracts', 'libs/session', 'libs/broker'],
  'libs/holder': ['libs/contracts', 'libs/broker', 'libs/journal', 'libs/service'],
  'libs/projection': ['libs/broker', 'libs/telemetry'],
  'libs/models': ['libs/contracts'],
  'libs/skills': ['libs/contracts'],
  'libs/tools': ['libs/contracts', 'libs/skills'],
  'libs/context': ['libs/contracts', 'libs/session', 'libs/tools'],
  'libs/agent': [],
  'libs/code-host': ['libs/contracts', 'libs/tools', 'libs/agent'],
  'libs/project': ['libs/contracts', 'libs/agent', 'libs/skills'],
  'libs/mcp': ['libs/contracts', 'libs/tools'],
  'libs/secrets': ['libs/contracts'],
  'libs/client': ['libs/contracts', 'libs/agent'],
  'libs/transcript': ['libs/contracts'],
  'libs/telemetry': ['libs/contracts'],
  'libs/trace': ['libs/contracts'],
  'libs/service': ['libs/contracts', 'libs/telemetry'],
  'libs/serving': ['libs/client', 'libs/contracts'],
  'libs/web': ['libs/client', 'libs/contracts', 'libs/transcript', 'libs/serving'],
  'libs/cli': [
    'libs/client',
    'libs/contracts',
    'libs/transcript',
    'libs/trace',
    'libs/serving',
    'libs/web',
    'libs/skills',
    'libs/project',
  ],
  'services/*': serviceMayImport,
  'deploy/*': all,
  e2e: all,
  examples: ['libs/client', 'libs/contracts', 'libs/agent'],
}

/** B5. Declared ahead of the code that is going to use them, by folder: a line goes when its packages are imported. */
const ahead: Readonly<Record<string, readonly string[]>> = {}

interface Room {
  readonly folder: string
  /** Packages, or folders of the same package, that nothing in it imports. */
  readonly without: readonly string[]
  readonly because: string
}

const http = ['fastify', '@fastify/websocket', 'ws', 'node:http']
const gateway = 'services/session-gateway/src'

/** B6. */
const rooms: readonly Room[] = [
  {
    folder: `${gateway}/api`,
    without: [...http, `${gateway}/doors`, `${gateway}/streams`],
    because: 'what can be asked knows no protocol: what is asked over one stands in doors/',
  },
  {
    folder: `${gateway}/streams`,
    without: [...http, `${gateway}/doors`],
    because: 'a stream is written to a Sink, which its door makes',
  },
  {
    folder: `${gateway}/doors`,
    without: ['@reins/journal', '@reins/broker', '@reins/session'],
    because: 'a door asks the API in api/ and streams/, and nothing behind it',
  },
]

/** B7. File → who listens instead. */
const deaf: Readonly<Record<string, string>> = {
  'libs/journal/src/jetstream/outputs.ts': 'both streams are in a pipeline or a web stream, which listen',
  'libs/tools/src/text/spool.ts': 'the iteration of the stream throws its error',
}

/** B8. */
const subjectFiles: readonly string[] = [
  'libs/contracts/src/broker/subjects.ts',
  'libs/contracts/src/broker/nats-users.ts',
  'libs/broker/src/streams/jetstream-api.ts',
  // What it tries stands below a scratch subject of its own, in a stream that holds nothing of ours.
  'deploy/local/src/nats/probe-features.ts',
]

/** B9. */
const subscribers: readonly string[] = [
  'libs/broker/src/connection/broker.ts',
  'libs/broker/src/connection/listen.ts',
  'libs/broker/src/streams/pull.ts',
  'deploy/local/src/nats/probe-features.ts',
]

/** B10. What they parse does not come from the broker. */
const parsers: readonly string[] = [
  'libs/journal/src/memory/journal.ts',
  // What nats-server itself says of itself, to whoever starts it.
  'deploy/local/src/nats/nats-process.ts',
  'deploy/local/src/nats/probe-features.ts',
]

const isSource = (file: string): boolean => /\.(?:m?[jt]s|tsx)$/.test(file)
const isTest = (file: string): boolean =>
  /\.test\.m?[jt]s$/.test(file) || /(^|\/)test\//.test(file) || file.startsWith('e2e/') || !file.includes('/')
const builtin = new Set(builtinModules)

/** B10. */
const readsBroker = (file: string, source: string): boolean =>
  /^(libs|services|deploy)\//.test(file) &&
  (file.startsWith('libs/broker/') ||
    file.startsWith('libs/journal/') ||
    /from '(@reins\/broker|@nats-io\/[a-z-]+)'/.test(source))

/** In the order of the files. */
export function checkBoundaries(tree: Tree): readonly Problem[] {
  const packages = readPackages(tree)
  const root = packages.find(({ folder }) => folder === '') ?? noRoot
  const byName = new Map(packages.map((one) => [one.name, one]))
  const used = new Map(packages.map((one) => [one.folder, new Set<string>()]))
  const problems: Problem[] = []

  for (const [file, source] of tree) {
    if (!isSource(file)) continue
    const home = packageOf(packages, file) ?? root
    const report = (line: number | undefined, message: string) => problems.push({ file, line, message })
    for (const { specifier, line } of importsOf(source)) {
      const barred = isTest(file) ? undefined : roomProblem(file, specifier)
      if (barred !== undefined) report(line, barred)
      if (specifier.startsWith('.')) {
        const problem = relativeProblem(packages, home, file, specifier)
        if (problem !== undefined) report(line, problem)
        continue
      }
      const name = packageNameOf(specifier)
      // `#name` is a file of the package itself, by the `imports` of its package.json.
      if (specifier.startsWith('node:') || specifier.startsWith('#') || builtin.has(name)) continue
      used.get(home.folder)?.add(name)
      const problem =
        packageProblem(home, file, specifier, byName.get(name)) ?? undeclaredProblem(home, root, file, name)
      if (problem !== undefined) report(line, problem)
    }
    if (!file.startsWith('scripts/') && !isTest(file) && !(file in deaf))
      for (const { maker, line } of withoutListener(source))
        report(line, `${maker}: an error of it that nobody hears ends the process: add .on('error', …) in this file`)
    if (!file.startsWith('scripts/') && !isTest(file) && path.posix.basename(file) !== 'config.ts')
      for (const line of environmentReads(source))
        report(line, 'only config.ts reads the environment: take what you need as an argument')
    if (/^(libs|services|deploy)\//.test(file) && !isTest(file) && !subscribers.includes(file))
      for (const line of subscriptionsIn(source))
        report(line, 'a listener that throws makes the process deaf: subscribe by listen of @reins/broker')
    if (readsBroker(file, source) && !isTest(file) && !parsers.includes(file))
      for (const line of parsesIn(source))
        report(line, 'what came from the broker may be anything: read it by jsonValue or decoder of @reins/contracts')
    if (/^(libs|services|deploy)\//.test(file) && !isTest(file) && !subjectFiles.includes(file))
      for (const { text, line } of subjectsIn(source))
        report(line, `${text} looks like a subject of the broker: build it in libs/contracts/src/broker/subjects.ts`)
  }
  for (const one of packages) {
    if (one.folder === '') continue
    const unused = one.declared.filter(
      (name) => !name.startsWith('@types/') && !used.get(one.folder)?.has(name) && !ahead[one.folder]?.includes(name),
    )
    for (const name of unused)
      problems.push({
        file: `${one.folder}/package.json`,
        line: undefined,
        message: `${name} is declared and imported nowhere in ${one.folder}: remove it`,
      })
  }
  return problems
}

/** B2 and B3 for `./x` and `../x`. */
function relativeProblem(packages: readonly Package[], home: Package, file: string, specifier: string) {
  const target = path.posix.normalize(path.posix.join(path.posix.dirname(file), specifier))
  const there = packageOf(packages, target)
  if ((there?.folder ?? '') === home.folder) {
    const door = `${home.folder}/src/index.ts`
    if (target === door && file.startsWith(`${home.folder}/src/`) && !isTest(file))
      return `${specifier} is the door of this package: import the file that declares it`
    return undefined
  }
  if (target === 'scripts/with-node.mjs' || target === 'scripts/bundle.ts') return undefined
  if (there && isTest(file) && target.startsWith(`${there.folder}/test/`) && includes(allowedFrom(home, file), there))
    return undefined
  return there?.name === undefined || there.folder === ''
    ? `${specifier} leaves ${home.folder || 'the root'}: nothing outside of a package is imported by path`
    : `${specifier} leads into ${there.folder}: import ${there.name}, whose door says what is public`
}

/** B1. */
const allowedFrom = (home: Package, file: string): readonly string[] | typeof all =>
  mayImport[home.folder] ?? mayImport[home.folder.replace(/[^/]+$/, '*')] ?? rootMayImport(file)

const includes = (allowed: readonly string[] | typeof all, target: Package): boolean =>
  allowed === all || allowed.includes(target.folder)

/** B1, B2 and B3 for packages of this repository. */
function packageProblem(home: Package, file: string, specifier: string, target: Package | undefined) {
  if (target === undefined) return undefined
  if (!target.doors.includes(specifier))
    return `${specifier} goes past the door of ${target.name}: import ${target.name}`
  if (target.folder === home.folder)
    return isTest(file) ? undefined : `${specifier} is this package itself: import the file that declares it`
  const allowed = allowedFrom(home, file)
  if (allowed === all || allowed.includes(target.folder)) return undefined
  const who = home.folder || path.posix.dirname(file)
  return home.folder.startsWith('services/') && target.folder.startsWith('services/')
    ? `${specifier}: a service never imports a service; speak to it over the broker, or move what both need into a lib`
    : `${specifier}: ${who} may import ${allowed.length === 0 ? 'no other package' : allowed.join(', ')}`
}

/** B6. */
function roomProblem(file: string, specifier: string): string | undefined {
  const room = rooms.find(({ folder }) => file.startsWith(`${folder}/`))
  if (room === undefined) return undefined
  const target = specifier.startsWith('.')
    ? path.posix.normalize(path.posix.join(path.posix.dirname(file), specifier))
    : specifier
  const barred = room.without.find((one) => target === one || target.startsWith(`${one}/`))
  return barred === undefined ? undefined : `${specifier}: ${room.folder} does without ${barred}, for ${room.because}`
}

/** Files outside of every package: compositions under deploy/, and examples. */
function rootMayImport(file: string): readonly string[] | typeof all {
  if (file.startsWith('deploy/')) return all
  return file.startsWith('examples/') ? (mayImport.examples ?? []) : []
}

/** B5. */
function undeclaredProblem(home: Package, root: Package, file: string, name: string) {
  if (name === home.name || home.declared.includes(name)) return undefined
  // The root's own files find every workspace package beside what the root declares.
  if (home.folder === '' && (name.startsWith('@reins/') || root.development.includes(name))) return undefined
  if (isTest(file) && root.development.includes(name)) return undefined
  return `${name} is not declared: add it to the dependencies in ${home.folder ? `${home.folder}/` : ''}package.json`
}

const noRoot: Package = { folder: '', name: '', declared: [], development: [], doors: [] }

function readPackages(tree: Tree): readonly Package[] {
  return [...tree].flatMap(([file, text]) => {
    if (path.posix.basename(file) !== 'package.json') return []
    const folder = path.posix.dirname(file) === '.' ? '' : path.posix.dirname(file)
    const manifest: {
      name?: string
      exports?: Record<string, string>
      dependencies?: Record<string, string>
      devDependencies?: Record<string, string>
      optionalDependencies?: Record<string, string>
    } = JSON.parse(text)
    const {
      name = folder,
      exports = { '.': '' },
      dependencies = {},
      devDependencies = {},
      optionalDependencies = {},
    } = manifest
    const doors = Object.keys(exports).map((door) => path.posix.join(name, door))
    const declared = Object.keys({
      ...dependencies,
      ...optionalDependencies,
      ...(folder === '' ? {} : devDependencies),
    })
    return [{ folder, name, declared, development: Object.keys(devDependencies), doors }]
  })
}

function packageOf(packages: readonly Package[], file: string): Package | undefined {
  return packages
    .filter(({ folder }) => folder === '' || file.startsWith(`${folder}/`))
    .sort((a, b) => b.folder.length - a.folder.length)[0]
}

function packageNameOf(specifier: string): string {
  const [scope = '', name = ''] = specifier.split('/')
  return scope.startsWith('@') ? `${scope}/${name}` : scope
}
