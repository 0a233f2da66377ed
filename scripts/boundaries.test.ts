import { describe, expect, test } from 'vitest'
import { checkBoundaries } from './boundary-rules.ts'
import { environmentReads, importsOf, subjectsIn } from './imports.ts'

const manifest = (name: string, dependencies: string[], more: object = {}): string =>
  JSON.stringify({ name, dependencies: Object.fromEntries(dependencies.map((one) => [one, '1.0.0'])), ...more })

const packages = {
  'package.json': manifest('reins', [], { devDependencies: { vitest: '5.1.0' } }),
  'libs/contracts/package.json': manifest('@reins/contracts', []),
  'libs/session/package.json': manifest('@reins/session', []),
  'libs/journal/package.json': manifest('@reins/journal', []),
  'services/executor/package.json': manifest('@reins/executor', []),
  'services/memory/package.json': manifest('@reins/memory', []),
  'deploy/local/package.json': manifest('@reins/local', []),
  'e2e/package.json': manifest('@reins/e2e', []),
}

/** The problems of a small repository: the packages above, and these files. */
function check(files: Record<string, string>): string[] {
  return checkBoundaries(new Map(Object.entries({ ...packages, ...files }))).map(
    ({ file, line, message }) => `${file}${line === undefined ? '' : `:${line}`} ${message}`,
  )
}

describe('a package', () => {
  test('may import what stands below it, and what it declares', () => {
    expect(
      check({
        'libs/session/package.json': manifest('@reins/session', ['@reins/contracts', 'typebox']),
        'libs/session/src/index.ts': "export { fold } from './fold.ts'",
        'libs/session/src/fold.ts':
          "import { readFileSync } from 'node:fs'\nimport {\n  type Frame,\n  parse,\n} from '@reins/contracts'\nimport { Compile } from 'typebox/compile'\n",
      }),
    ).toEqual([])
  })

  test('may not import what stands above it', () => {
    expect(
      check({
        'libs/session/package.json': manifest('@reins/session', ['@reins/journal']),
        'libs/session/src/fold.ts': "// folds\nimport type { Journal } from '@reins/journal'\n",
      }),
    ).toEqual(['libs/session/src/fold.ts:2 @reins/journal: libs/session may import libs/contracts'])
  })

  test('that is a service never imports a service; a composition may', () => {
    const files = {
      'services/executor/package.json': manifest('@reins/executor', ['@reins/memory']),
      'services/executor/src/service.ts': "import { start } from '@reins/memory'\n",
      'deploy/local/package.json': manifest('@reins/local', ['@reins/executor']),
      'deploy/local/src/up.ts': "import * as executor from '@reins/executor'\n",
    }
    expect(check(files)).toEqual([
      expect.stringMatching(/^services\/executor\/src\/service.ts:1 @reins\/memory: a service never imports a service/),
    ])
  })

  test('is entered by its door only', () => {
    expect(
      check({
        'libs/journal/package.json': manifest('@reins/journal', ['@reins/contracts']),
        'libs/journal/src/a.ts':
          "import { x } from '@reins/contracts/src/x.ts'\nimport { y } from '../../contracts/src/y.ts'\nconst z = await import('../../../docs/z.ts')\n",
      }),
    ).toEqual([
      'libs/journal/src/a.ts:1 @reins/contracts/src/x.ts goes past the door of @reins/contracts: import @reins/contracts',
      'libs/journal/src/a.ts:2 ../../contracts/src/y.ts leads into libs/contracts: import @reins/contracts, whose door says what is public',
      'libs/journal/src/a.ts:3 ../../../docs/z.ts leaves libs/journal: nothing outside of a package is imported by path',
    ])
  })

  test('of the broker stands below the journal, and knows nothing of sessions', () => {
    expect(
      check({
        'libs/broker/package.json': manifest('@reins/broker', ['@reins/contracts', '@reins/session']),
        'libs/broker/src/a.ts': "import { a } from '@reins/contracts'\nimport { b } from '@reins/session'\n",
        'libs/session/package.json': manifest('@reins/session', []),
        'libs/journal/package.json': manifest('@reins/journal', ['@reins/broker']),
        'libs/journal/src/a.ts': "import { c } from '@reins/broker'\n",
      }),
    ).toEqual([expect.stringMatching(/^libs\/broker\/src\/a.ts:2 @reins\/session: libs\/broker may import/)])
  })

  test('may have a second door, which its package.json names', () => {
    expect(
      check({
        'libs/contracts/package.json': manifest('@reins/contracts', [], { exports: { '.': 'a', './errors': 'b' } }),
        'libs/session/package.json': manifest('@reins/session', ['@reins/contracts']),
        'libs/session/src/a.ts':
          "import { codes } from '@reins/contracts/errors'\nimport { b } from '@reins/contracts'\n",
      }),
    ).toEqual([])
  })

  test('gives its test support to the whole-system tests and to tests of packages that may import it', () => {
    const support = "import { contract } from '../../libs/journal/test/contract.ts'\n"
    expect(check({ 'e2e/int/journal.int.test.ts': support })).toEqual([])
    const below = support.replace('../..', '../../..')
    expect(check({ 'deploy/local/test/a.test.ts': below })).toEqual([])
    expect(check({ 'deploy/local/src/a.ts': below })).toHaveLength(1)
    expect(check({ 'libs/session/test/a.test.ts': below })).toHaveLength(1)
  })

  test('does not go through its own door, but its tests do', () => {
    const files = {
      'libs/journal/src/index.ts': "export { a } from './a.ts'\n",
      'libs/journal/src/a.ts': "import { b } from './index.ts'\n",
      'libs/journal/src/memory/b.ts': "import { a } from '../index.ts'\nimport { c } from '@reins/journal'\n",
      'libs/journal/test/a.int.test.ts': "import { a } from '../src/index.ts'\nimport { test } from 'vitest'\n",
    }
    expect(check(files)).toEqual([
      'libs/journal/src/a.ts:1 ./index.ts is the door of this package: import the file that declares it',
      'libs/journal/src/memory/b.ts:1 ../index.ts is the door of this package: import the file that declares it',
      'libs/journal/src/memory/b.ts:2 @reins/journal is this package itself: import the file that declares it',
    ])
  })
})

describe('a room of the gateway', () => {
  const room = (folder: string, source: string): string[] =>
    check({
      'libs/journal/package.json': manifest('@reins/journal', []),
      'services/session-gateway/package.json': manifest('@reins/session-gateway', ['fastify', '@reins/journal']),
      'services/session-gateway/src/used.ts': "import 'fastify'\nimport '@reins/journal'\n",
      [`services/session-gateway/src/${folder}/a.ts`]: source,
    })

  test('that says what can be asked knows no HTTP, and no door', () => {
    expect(
      room('api', "import type { FastifyReply } from 'fastify'\nimport { x } from '../doors/http/x.ts'\n"),
    ).toEqual([
      expect.stringMatching(/a.ts:1 fastify: services\/session-gateway\/src\/api does without fastify/),
      expect.stringMatching(/a.ts:2 ..\/doors\/http\/x.ts: services\/session-gateway\/src\/api does without/),
    ])
    expect(room('api', "import { follow } from '@reins/journal'\n")).toEqual([])
  })

  test('that is a door knows no journal', () => {
    expect(room('doors/http', "import { follow } from '@reins/journal'\nimport Fastify from 'fastify'\n")).toEqual([
      expect.stringMatching(
        /a.ts:1 @reins\/journal: services\/session-gateway\/src\/doors does without @reins\/journal/,
      ),
    ])
  })

  test('that streams knows neither HTTP nor a door', () => {
    expect(room('streams', "import type { ServerResponse } from 'node:http'\n")).toEqual([
      expect.stringMatching(/a.ts:1 node:http: services\/session-gateway\/src\/streams does without node:http/),
    ])
  })
})

describe('a dependency', () => {
  test('that is imported and not declared is named, and one that is declared and not imported', () => {
    expect(
      check({
        'libs/contracts/package.json': manifest('@reins/contracts', ['pg', '@types/pg']),
        'libs/contracts/src/a.ts': "import { Kysely } from 'kysely'\nimport { test } from 'vitest'\n",
      }),
    ).toEqual([
      'libs/contracts/src/a.ts:1 kysely is not declared: add it to the dependencies in libs/contracts/package.json',
      'libs/contracts/src/a.ts:2 vitest is not declared: add it to the dependencies in libs/contracts/package.json',
      'libs/contracts/package.json pg is declared and imported nowhere in libs/contracts: remove it',
    ])
  })

  test('of the root is there for tests', () => {
    expect(check({ 'libs/contracts/src/a.test.ts': "import { test } from 'vitest'\n" })).toEqual([])
  })
})

describe('the environment', () => {
  test('is read in config.ts, in tests and in scripts alone', () => {
    const read = 'export const home = process.env.HOME\n'
    expect(
      check({
        'libs/contracts/src/config.ts': read,
        'libs/contracts/src/a.test.ts': read,
        'scripts/release.ts': read,
        'e2e/chaos/main.ts': read,
        'libs/contracts/src/home.ts': `// process.env is read here\n${read}`,
      }),
    ).toEqual(['libs/contracts/src/home.ts:2 only config.ts reads the environment: take what you need as an argument'])
  })

  test('is seen however it is written', () => {
    const lines = ['process.env', "process['env']", "import { argv, env } from 'node:process'", 'process.environment']
    expect(environmentReads(lines.join('\n'))).toEqual([1, 2, 3])
  })
})

test('what can fail by an event has a listener, in product code', () => {
  const source = "import { fork } from 'node:child_process'\nexport const child = fork('./a.ts')\n"
  expect(check({ 'libs/session/src/a.ts': source, 'libs/session/test/a.ts': source, 'e2e/a.ts': source })).toEqual([
    "libs/session/src/a.ts:2 fork: an error of it that nobody hears ends the process: add .on('error', …) in this file",
  ])
})

describe('a subject of the broker', () => {
  test('is built in the files of subjects alone', () => {
    const build = 'export const all = `ses.one.>`\n'
    expect(
      check({
        'libs/contracts/src/broker/subjects.ts': build,
        'libs/contracts/src/a.test.ts': build,
        'e2e/chaos/main.ts': build,
        'libs/contracts/src/filter.ts': `// ses.> is not built here\n${build}`,
      }),
    ).toEqual([
      'libs/contracts/src/filter.ts:2 ses.one.> looks like a subject of the broker: build it in libs/contracts/src/broker/subjects.ts',
    ])
  })

  test('is seen in every kind of text, and is not what an event of a timer is called', () => {
    const lines = [
      "'ctl.x'",
      '"hb.executor.1"',
      '`$JS.API.INFO`',
      "case 'timer.fired':",
      "'session.reg.x'",
      "'timer.x'",
    ]
    expect(subjectsIn(lines.join('\n')).map(({ line }) => line)).toEqual([1, 2, 3, 6])
  })
})

test('nobody subscribes at the client itself, where a listener that throws would make the process deaf', () => {
  const source = "export const hear = (broker: Broker) => broker.nc.subscribe('x', {})\n"
  expect(check({ 'libs/journal/src/hear.ts': source, 'libs/journal/src/hear.test.ts': source })).toEqual([
    'libs/journal/src/hear.ts:1 a listener that throws makes the process deaf: subscribe by listen of @reins/broker',
  ])
})

test('who speaks with the broker parses nothing by itself: a value there may be anything', () => {
  const source = 'export const read = (text: string) => JSON.parse(text)\n'
  expect(check({ 'libs/journal/src/read.ts': source, 'libs/journal/src/read.test.ts': source })).toEqual([
    'libs/journal/src/read.ts:1 what came from the broker may be anything: read it by jsonValue or decoder of @reins/contracts',
  ])
})

// Written so that the check, which reads this file too, does not take them for imports of its own.
const call = (how: string, what: string): string => `${how}('${what}')`

test('imports are found in every form, and not in comments', () => {
  const source = [
    "import 'side-effect'",
    "import a, { type B } from 'default'",
    "import * as c from 'namespace'",
    "import type { D } from 'type'",
    "export { e } from 'export'",
    "export * from 'star'",
    `type F = ${call('import', 'inline')}.F`,
    `const g = ${call('require.resolve', 'resolved')}`,
    `const h = ${call('createRequire(import.meta.url).resolve', 'required')}`,
    `// import 'no' or ${call('import', 'no')}`,
    '/* of old:',
    " * import { h } from 'no'",
    ' */',
    'export type Outcome =',
    "  // in time, from 'late' ones",
    "  'late'",
    "export const text = 'from here'",
  ]
  expect(importsOf(source.join('\n')).map(({ specifier, line }) => [specifier, line])).toEqual([
    ['side-effect', 1],
    ['default', 2],
    ['namespace', 3],
    ['type', 4],
    ['export', 5],
    ['star', 6],
    ['inline', 7],
    ['resolved', 8],
    ['required', 9],
  ])
})
