// What the documents for operators tell to type. Each command is one that there is, with options that it has (operator-commands.test.ts
// runs them). Of the commands of Kubernetes, Helm and Docker, what they name in this repository is looked for.
import { existsSync, readFileSync } from 'node:fs'
import path from 'node:path'
import { expect, test } from 'vitest'
import { commandsIn, operatorDocuments, unknownIn } from './commands-in.ts'

const root = path.join(import.meta.dirname, '..', '..')
const read = (file: string): string => readFileSync(path.join(root, file), 'utf8')
const all = operatorDocuments.flatMap((document) => commandsIn(document).map((command) => [document, command] as const))
const scripts: Readonly<Record<string, string>> = JSON.parse(read('package.json')).scripts
const compose = read('docker-compose.yml')

test('commands are found, in blocks and in sentences', () => {
  const found = all.map(([, command]) => command)
  expect(found).toContain('npx reins session trace 01M8GWGJ8ZEH7RHH3C633M041K')
  expect(found).toContain('npx reins pool list --watch')
  expect(found).toContain('docker compose --profile observability up --build --wait')
  expect(found).toContain('helm install reins deploy/helm/reins --set image.repository=registry.example.com/reins')
  expect(found.length).toBeGreaterThan(25)
})

test.each(all)('%s: %s', (_, command) => {
  expect(problemsOf(command)).toEqual([])
})

test.each([
  ['npx reins session tracing X', 'session tracing'],
  ['npx reins session trace X --nope', '--nope'],
  ['npm run nothing', 'no script nothing'],
  ['npm run docker:setup -- --nope x', '--nope'],
  ['docker compose --profile nope up', 'no profile nope'],
  ['docker compose up --scale nope=3', 'no service nope'],
  ['helm install reins deploy/helm/nope', 'no chart deploy/helm/nope'],
  ['helm install reins deploy/helm/reins --set image.nope=x', 'no value image.nope'],
])('%s is found out', (command, problem) => {
  expect(problemsOf(command)).toEqual([expect.stringContaining(problem)])
})

function problemsOf(command: string): readonly string[] {
  if (command.startsWith('npx reins ')) return unknownIn(command)
  const [, script = ''] = /^npm run (\S+)/.exec(command) ?? []
  if (script !== '') return scripts[script] === undefined ? [`no script ${script}`] : setUpProblems(script, command)
  if (command.startsWith('docker compose ')) return composeProblems(command)
  if (command.startsWith('helm ')) return chartProblems(command)
  return []
}

/** Options of the program that makes secrets. */
function setUpProblems(script: string, command: string): readonly string[] {
  const source = script === 'docker:setup' ? read('deploy/docker/setup.ts') : undefined
  const options = source === undefined ? [] : (command.split(' -- ')[1]?.match(/--[a-z]+/g) ?? [])
  return options.filter((option) => !new RegExp(`\\b${option.slice(2)}: \\{ type:`).test(source ?? ''))
}

function composeProblems(command: string): readonly string[] {
  const profiles = [...command.matchAll(/--profile (\S+)/g)].map(([, name = '']) => name)
  const scaled = [...command.matchAll(/--scale (\S+)=/g)].map(([, name = '']) => name)
  return [
    ...profiles.filter((name) => !compose.includes(`profiles: [${name}]`)).map((name) => `no profile ${name}`),
    ...scaled.filter((name) => !compose.includes(`\n  ${name}:\n`)).map((name) => `no service ${name}`),
  ]
}

/** The chart is where it is said to be, and has what is set. */
function chartProblems(command: string): readonly string[] {
  const [, chart = ''] = /^helm install \S+ (\S+)/.exec(command) ?? []
  if (!existsSync(path.join(root, chart, 'Chart.yaml'))) return [`no chart ${chart}`]
  const values = read(path.join(chart, 'values.yaml'))
  return [...command.matchAll(/--set (\w+)\.(\w+)=/g)].flatMap(([, part = '', field = '']) =>
    new RegExp(`^${part}:\\n(?:^ .*\\n)*?^  ${field}:`, 'm').test(values) ? [] : [`no value ${part}.${field}`],
  )
}
