// What a built project says of itself: its bundle is loaded once, in a Node of its own, on the machine of whoever builds it.
//   DP1. Code that does not end, or ends its process, costs the answer and nothing else: there is a deadline, and the child is ended.
import { spawn } from 'node:child_process'
import { mkdtemp, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import path from 'node:path'
import { pathToFileURL } from 'node:url'
import { formOf, ProjectManifest, problemsOf, scheduleProblem } from '@reins/contracts'
import type { ProjectDescription } from '@reins/agent/project'

export type DescribedProject =
  | { readonly kind: 'manifest'; readonly manifest: ProjectManifest }
  | { readonly kind: 'failed'; readonly problems: readonly string[] }

const withinMs = 30_000
const mostChars = 4 * 1024 * 1024
const isManifest = formOf(ProjectManifest)

/** `node`: the program that runs it. */
export async function describeProject(text: string, node: string): Promise<DescribedProject> {
  const folder = await mkdtemp(path.join(tmpdir(), 'reins-build-'))
  try {
    const file = path.join(folder, 'project.mjs')
    await writeFile(file, text)
    return read(await said(node, file), folder)
  } finally {
    await rm(folder, { recursive: true, force: true })
  }
}

/** Runs in the child. It answers on a channel of its own, so that what the modules print is no answer. */
const script = `
const { writeSync } = await import('node:fs')
const say = (answer) => { writeSync(3, JSON.stringify(answer)); process.exit(0) }
try {
  const project = (await import(process.argv[1])).default?.[Symbol.for('reins.project')]
  if (!project) throw new Error('the bundle is none of a project')
  const described = project.describe()
  const problems = described.kind === 'manifest' ? await project.probe?.() : undefined
  say(problems?.length > 0 ? { kind: 'problems', problems } : described)
} catch (error) {
  say({ kind: 'thrown', message: String(error?.message ?? error), stack: String(error?.stack ?? '') })
}`

type Said =
  | { readonly kind: 'said'; readonly answer: string }
  | { readonly kind: 'ended'; readonly why: string; readonly printed: string }

function said(node: string, file: string): Promise<Said> {
  return new Promise((resolve) => {
    const child = spawn(node, ['--enable-source-maps', '--input-type=module', '-e', script, pathToFileURL(file).href], {
      stdio: ['ignore', 'pipe', 'pipe', 'pipe'],
      cwd: process.cwd(),
    })
    let answer = ''
    let printed = ''
    const [, out, err, answers] = child.stdio
    answers?.on('data', (chunk: Buffer) => {
      if (answer.length < mostChars) answer += chunk.toString('utf8')
    })
    for (const stream of [out, err])
      stream?.on('data', (chunk: Buffer) => {
        printed = (printed + chunk.toString('utf8')).slice(-4_000)
      })
    for (const stream of [out, err, answers]) stream?.on('error', () => undefined)
    let late = false
    const timer = setTimeout(() => {
      late = true
      child.kill('SIGKILL')
    }, withinMs)
    const end = (why: string) => {
      clearTimeout(timer)
      if (answer !== '') resolve({ kind: 'said', answer })
      else resolve({ kind: 'ended', why: late ? `did not load within ${withinMs / 1000} s` : why, printed })
    }
    child.on('error', (error) => end(`cannot be loaded: ${error.message}`))
    child.on('close', (code, signal) => end(`ended its process while it was loaded (${signal ?? `exit code ${code}`})`))
  })
}

function read(answered: Said, folder: string): DescribedProject {
  if (answered.kind === 'ended') {
    const printed = answered.printed.trim()
    return failed(`The project ${answered.why}.${printed === '' ? '' : ` It printed:\n${printed}`}`)
  }
  const answer = JSON.parse(answered.answer) as
    | ProjectDescription
    | { readonly kind: 'thrown'; readonly message: string; readonly stack: string }
  switch (answer.kind) {
    case 'manifest': {
      const { manifest } = answer
      if (isManifest(manifest)) {
        const problems = (manifest.schedules ?? []).flatMap((schedule) => scheduleProblem(schedule) ?? [])
        return problems.length > 0 ? { kind: 'failed', problems } : { kind: 'manifest', manifest }
      }
      const [problem] = problemsOf(ProjectManifest, manifest)
      return failed(`The project says of itself what no project can be: ${problem?.path} ${problem?.message}.`)
    }
    case 'problems':
      return { kind: 'failed', problems: answer.problems.map(({ module, message }) => `${module}: ${message}`) }
    case 'thrown':
      return failed(`${placeOf(answer.stack, folder)}The project cannot be loaded: ${answer.message}`)
    default:
      return answer satisfies never
  }
}

const failed = (problem: string): DescribedProject => ({ kind: 'failed', problems: [problem] })

/** The author's line, as the source map tells it: paths in it are relative to where the bundle lies. */
function placeOf(stack: string, folder: string): string {
  const inside = stack
    .split('\n')
    .map(
      (line) =>
        line.indexOf(folder) >= 0 && /\((?:file:\/\/)?([^()]+:\d+:\d+)\)|at (?:file:\/\/)?(\S+:\d+:\d+)$/.exec(line),
    )
    .find(Boolean)
  const place = inside ? (inside[1] ?? inside[2] ?? '') : ''
  const file = place === '' ? '' : path.relative(folder, place)
  return file === '' || file.startsWith('project.mjs') ? '' : `${file}: `
}
