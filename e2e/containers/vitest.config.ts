// `npm run test:containers`: what needs Docker. Outside of `npm test`; where there is no Docker, the tests say so and do not run.
import path from 'node:path'
import { defineConfig } from 'vitest/config'

// Ryuk would remove what a killed run leaves behind; it is one more image to pull. Whoever wants it sets this to false.
process.env.TESTCONTAINERS_RYUK_DISABLED ??= 'true'

export default defineConfig({
  root: path.join(import.meta.dirname, '../..'),
  test: {
    include: ['e2e/containers/**/*.test.ts'],
    // The two files load the same two cores.
    fileParallelism: false,
    testTimeout: 180_000,
    hookTimeout: 420_000,
  },
})
