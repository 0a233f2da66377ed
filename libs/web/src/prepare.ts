// `npm ci` runs this: the page is built once, so that nobody waits for it later.
//   PR1. It never makes an installation fail: web mode builds what is missing, and says what is wrong.
import process from 'node:process'
import { pageOf } from './page-build.ts'

await pageOf().catch((error: unknown) => {
  const why = error instanceof Error ? error.message : String(error)
  process.stderr.write(`The chat page was not built: ${why} It is built when --mode web first needs it.\n`)
})
