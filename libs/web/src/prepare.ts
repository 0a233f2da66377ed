// `npm run page`, and `npm run docker:setup` before an image is made: the page is built once, so that nobody waits for it later. `npm ci`
// runs no script at all (.npmrc).
//   PR1. It never makes a set-up fail: web mode builds what is missing, and says what is wrong.
import process from 'node:process'
import { pageOf } from './page-build.ts'

await pageOf().catch((error: unknown) => {
  const why = error instanceof Error ? error.message : String(error)
  process.stderr.write(`The chat page was not built: ${why} It is built when --mode web first needs it.\n`)
})
