// The parts of `npm test`, which `npm run verify` runs one after the other: `--project unit` and so on. `npm test` leaves one out, long, which
// tries hundreds of inputs, or kills at each step of a project's code: it has to end within eight minutes on two cores. CI runs `npm run test:long` as well.
//   V1. What kills and stalls processes at any moment (faults) runs last and by itself: beside other tests it would test how busy the
//       machine is. What kills a process at a moment that it has come to itself (a named point, an answer that was begun) runs with the rest.
//   V2. The rest runs three files at a time also on two cores, where vitest's own choice is one: most of them wait for servers.
//   V3. The files of a worker share one module registry: to load each module anew for each of 400 files costs more than a tenth of
//       the whole. So a test leaves nothing behind in a module, in process.env, in the prototypes or in the clock, and ends what it started.
//       Only faults have a process for each file: what they kill may take some of the test with it.
//   V4. Node loads the modules itself, as it does in the product. Through Vite each import is looked up anew wherever it is used, which
//       costs the simulator a third of its time; and there is nothing to transform. A module can therefore not be mocked.
import { defineConfig } from 'vitest/config'

// Deadlines are for what hangs. None of them says how fast something is.
const limits = { testTimeout: 120_000, hookTimeout: 240_000, expect: { poll: { timeout: 60_000 } } }
const native = { viteModuleRunner: false, nodeLoader: false }
const together = { ...limits, maxWorkers: 3, isolate: false, experimental: native, sequence: { groupOrder: 0 } }
const byItself = { ...limits, maxWorkers: 1, experimental: native, sequence: { groupOrder: 1 } }

const never = ['**/node_modules/**', 'e2e/containers/**', 'e2e/cluster/**']
const folders = ['libs/*/{src,test,page}', 'services/*/{src,test}', 'deploy/*/{src,test}', 'scripts']
const faults = ['e2e/chaos/**/*.int.test.ts']
const long = [
  ...[
    'e2e/hostile/**/*.test.ts',
    'e2e/kill/code/**/*.int.test.ts',
    'e2e/kill/archive.int.test.ts',
    'e2e/kill/erase*.int.test.ts',
  ],
  'e2e/attacks/whole.int.test.ts',
  'e2e/attacks/people/device.test.ts',
  'e2e/attacks/code/reins-servers.test.ts',
  'e2e/attacks/code/foreign-code.int.test.ts',
  'e2e/attacks/people/history.int.test.ts',
  'e2e/attacks/people/makers.int.test.ts',
  'e2e/attacks/people/reading.int.test.ts',
  'e2e/attacks/services/archive.int.test.ts',
  'e2e/attacks/services/put-back.int.test.ts',
  'e2e/damaged/**/*.int.test.ts',
  'e2e/attacks/services/stored-again.int.test.ts',
]

export default defineConfig({
  test: {
    projects: [
      {
        test: {
          ...together,
          name: 'unit',
          include: folders.map((folder) => `${folder}/**/*.test.ts`),
          exclude: [...never, '**/*.int.test.ts'],
        },
      },
      {
        test: {
          ...together,
          name: 'integration',
          include: [...folders, 'e2e/int'].map((folder) => `${folder}/**/*.int.test.ts`),
          exclude: never,
        },
      },
      {
        test: {
          ...together,
          name: 'end-to-end',
          include: ['e2e/**/*.test.ts'],
          exclude: [...never, 'e2e/int/**', ...faults, ...long],
        },
      },
      { test: { ...together, name: 'long', include: long, sequence: { groupOrder: 2 } } },
      { test: { ...byItself, name: 'faults', include: faults } },
    ],
  },
})
