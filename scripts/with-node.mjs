// Runs a script with a Node that is new enough (>= MINIMUM): the running one, or the one that `npm ci` put
// into node_modules. Plain JavaScript with old syntax only: it has to run on an old Node.
import { spawn } from 'node:child_process'
import { mkdirSync } from 'node:fs'
import module, { createRequire } from 'node:module'
import { constants, setPriority } from 'node:os'
import path from 'node:path'
import { fileURLToPath, pathToFileURL } from 'node:url'
import { bundlesIn, programOf } from './bundle-place.mjs'

const MINIMUM = 24
/** ms after a start from the sources until the bundle is made: the first minutes of a newcomer are not slowed down. */
const BUNDLE_AFTER = 20000
const root = path.join(path.dirname(fileURLToPath(import.meta.url)), '..')

/** The path of a Node that is new enough; throws an Error that says what to do when there is none. */
export function findNode() {
  if (Number(process.versions.node.split('.')[0]) >= MINIMUM) return process.execPath
  const require = createRequire(path.join(root, 'package.json'))
  const names = [`node-${process.platform}-${process.arch}`, `node-bin-${process.platform}-${process.arch}`]
  for (const name of names) {
    try {
      return path.join(path.dirname(require.resolve(`${name}/package.json`)), 'bin', 'node')
    } catch {
      // not this one
    }
  }
  throw new Error(
    `Reins needs Node ${MINIMUM} or newer; this is ${process.version}, and no package brings one for ${process.platform}-${process.arch}. ` +
      `Run "npm ci" in ${root} first, or install Node ${MINIMUM}+ and run this again.`,
  )
}

/**
 * Where Node keeps what it has compiled: a start costs a third less, a short command half. Node checks what it finds there against the
 * files. Empty where there is no such folder: a Node that cannot make it may try for ever.
 */
function compileCache(program) {
  if (process.env.NODE_COMPILE_CACHE || process.env.NODE_DISABLE_COMPILE_CACHE) return {}
  // What was compiled of a bundle goes with it.
  const ofBundle = path.join(path.dirname(program), 'compiled')
  const folder = program.startsWith(bundlesIn(root)) ? ofBundle : path.join(root, 'node_modules', '.cache', 'compiled')
  try {
    mkdirSync(folder, { recursive: true })
    return { NODE_COMPILE_CACHE: folder }
  } catch {
    return {}
  }
}

/** Nobody waits for it, and nobody is told where it fails: the sources run as well. The timer; it keeps no process alive. */
function makeBundleLater(node, env) {
  const timer = setTimeout(() => {
    const made = spawn(node, [path.join(root, 'scripts', 'bundle.ts')], { stdio: 'ignore', env, cwd: root })
    made.on('error', () => {})
    made.unref()
    try {
      setPriority(made.pid, constants.priority.PRIORITY_LOW)
    } catch {
      // It is as quick as it likes.
    }
  }, BUNDLE_AFTER)
  timer.unref()
  return timer
}

/**
 * Runs `node ...args` with a Node that is new enough, in this process's stead: same streams, signals and exit code. The product's binary
 * runs in this very process where its Node is new enough: a second Node costs a start a tenth of a second, and 40 MB.
 */
export function runWithNode(args) {
  let node
  try {
    node = findNode()
  } catch (error) {
    console.error(error.message)
    process.exit(1)
  }
  const searchPath = `${path.dirname(node)}${path.delimiter}${process.env.PATH ?? ''}`
  const program = programOf(args, process.env)
  const env = { ...process.env, ...compileCache(program.args[0] || ''), PATH: searchPath }
  if (program.binary && node === process.execPath) return runHere(program, env)
  const child = spawn(node, program.args, { stdio: 'inherit', env })
  if (program.make) {
    const timer = makeBundleLater(node, env)
    child.on('exit', () => clearTimeout(timer))
  }
  // A terminal signals the whole group, so the child has it already; what a supervisor sends to us alone is passed on.
  for (const signal of ['SIGTERM', 'SIGHUP']) process.on(signal, () => child.kill(signal))
  process.on('SIGINT', () => {
    if (!process.stdin.isTTY) child.kill('SIGINT')
  })
  child.on('error', (error) => {
    console.error(`Could not run ${node}: ${error.message}`)
    process.exit(1)
  })
  child.on('exit', (code, signal) => process.exit(signal ? 128 + constants.signals[signal] : (code ?? 1)))
}

/** What it prints and how it ends is the program's own. */
function runHere({ args: [file, ...rest], make }, env) {
  Object.assign(process.env, { PATH: env.PATH })
  if (env.NODE_COMPILE_CACHE && !process.env.NODE_COMPILE_CACHE) {
    process.env.NODE_COMPILE_CACHE = env.NODE_COMPILE_CACHE // for its children
    module.enableCompileCache(env.NODE_COMPILE_CACHE)
  }
  process.argv = [process.execPath, file, ...rest]
  if (make) makeBundleLater(process.execPath, env)
  return import(pathToFileURL(file).href)
}

if (process.argv[1] && path.resolve(process.argv[1]) === fileURLToPath(import.meta.url))
  runWithNode(process.argv.slice(2))
