// `npm run test:cluster`: services on three nats-servers. Beside `npm test`, since it needs the machine for itself, as chaos does.
import path from 'node:path'
import { defineConfig } from 'vitest/config'

export default defineConfig({
  root: path.join(import.meta.dirname, '../..'),
  test: {
    include: ['e2e/cluster/**/*.int.test.ts'],
    experimental: { viteModuleRunner: false, nodeLoader: false },
    testTimeout: 240_000,
    hookTimeout: 240_000,
    expect: { poll: { timeout: 60_000 } },
  },
})
