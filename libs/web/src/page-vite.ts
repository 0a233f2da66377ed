// Builds the page into the folder that is named as the first argument. A process of its own, whose environment says production:
// Vite and React take what they are from there, and a process that serves may say anything else.
import path from 'node:path'
import process from 'node:process'
import { build } from 'vite'

const page = path.join(import.meta.dirname, '..', 'page')
const without = (name: string) => ({ find: name, replacement: path.join(page, 'without', `${name}.ts`) })

await build({
  root: page,
  configFile: false,
  envFile: false,
  logLevel: 'error',
  base: '/',
  resolve: { alias: [without('rehype-raw'), without('tailwind-merge')] },
  build: {
    outDir: process.argv[2] ?? '',
    emptyOutDir: true,
    target: 'es2024',
    // The first ones with light-dark(), which would be taken apart otherwise.
    cssTarget: ['chrome123', 'firefox120', 'safari17.5'],
    // A data: address would need a word of its own in the policy of the page.
    assetsInlineLimit: 0,
    modulePreload: { polyfill: false },
    reportCompressedSize: false,
    chunkSizeWarningLimit: 2000,
  },
})
