// A page can load the client as it is: what a browser would load has nothing of Node in it.
import { existsSync, readFileSync } from 'node:fs'
import path from 'node:path'
import { expect, test } from 'vitest'

const root = path.join(import.meta.dirname, '..', '..', '..')

/** The files that load, from one on: static imports and exports of values, with the packages' `browser` condition. */
function loaded(file: string, seen = new Set<string>()): Set<string> {
  if (seen.has(file)) return seen
  seen.add(file)
  const source = readFileSync(file, 'utf8')
  for (const [, statement = '', from = ''] of source.matchAll(/^(import|export)(?! type)[^;'"]*?from\s*'([^']+)'/gm))
    if (statement !== '') follow(from, file, seen)
  return seen
}

function follow(from: string, file: string, seen: Set<string>): void {
  if (from.startsWith('.')) loaded(path.join(path.dirname(file), from), seen)
  else if (from === '#fetch') loaded(path.join(root, 'libs/client/src/transport/fetch-browser.ts'), seen)
  else if (from.startsWith('@reins/')) {
    const [, name = '', door] = from.split('/')
    const at = path.join(root, 'libs', name, 'src', `${door ?? 'index'}.ts`)
    if (!existsSync(at)) throw new Error(`${from} of ${file} is not found`)
    loaded(at, seen)
  } else seen.add(from)
}

test('what a browser loads of the client has nothing of Node in it', () => {
  const packages = [...loaded(path.join(root, 'libs/client/src/index.ts'))].filter((one) => !path.isAbsolute(one))
  expect(packages.sort()).toEqual(['eventsource-parser', 'typebox'])
})
