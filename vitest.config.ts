import { defineConfig } from 'vitest/config'

export default defineConfig({
  test: {
    include: [
      'libs/*/src/**/*.test.ts',
      'libs/*/test/**/*.test.ts',
      'services/*/{src,test}/**/*.test.ts',
      'deploy/*/{src,test}/**/*.test.ts',
      'e2e/**/*.test.ts',
      'scripts/**/*.test.ts',
    ],
    exclude: ['**/node_modules/**', 'e2e/containers/**'],
    testTimeout: 60_000,
    hookTimeout: 120_000,
  },
})
