// The parts of `npm test`, which `npm run verify` runs one after the other: `--project unit` and so on.
//   V1. What kills and stalls processes at any moment (faults) runs last and by itself: beside other tests it would test how busy the
//       machine is. What kills a process that stands still at a named point runs with the rest.
//   V3. Unit tests share one module registry for all files of a worker: to load each module anew for each of 200 files cost three times
//       what the tests themselves do. So a unit test leaves nothing behind in a module, in process.env or in the clock.
//   V2. The rest runs three files at a time also on two cores, where vitest's own choice is one: most of them wait for servers.
import { defineConfig } from 'vitest/config'

// Deadlines are for what hangs. None of them says how fast something is.
const limits = { testTimeout: 120_000, hookTimeout: 240_000, expect: { poll: { timeout: 60_000 } } }
const together = { ...limits, maxWorkers: 3, sequence: { groupOrder: 0 } }
const byItself = { ...limits, maxWorkers: 1, sequence: { groupOrder: 1 } }

const never = ['**/node_modules/**', 'e2e/containers/**']
const folders = ['libs/*/{src,test,page}', 'services/*/{src,test}', 'deploy/*/{src,test}', 'scripts']
const faults = ['e2e/kill/{kill,sigterm,whole-product}.*.test.ts', 'e2e/chaos/**/*.test.ts']

export default defineConfig({
  test: {
    projects: [
      {
        test: {
          ...together,
          name: 'unit',
          isolate: false,
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
          exclude: [...never, 'e2e/int/**', ...faults],
        },
      },
      { test: { ...byItself, name: 'faults', include: faults } },
    ],
  },
})
