// The snippets of docs/tools.md are tools as the page says, and the answers that it names are those that calls get.
import { readFileSync } from 'node:fs'
import path from 'node:path'
import { noGuard } from '@reins/tools'
import { expect, test } from 'vitest'
import { describeBundle } from '../src/index.ts'
import { bundleOf, sandboxOfThisMachine } from './bundle.ts'
import { hostsOf } from './calls.ts'

const page = readFileSync(path.join(import.meta.dirname, '..', '..', '..', 'docs', 'tools.md'), 'utf8')
const snippets = [...page.matchAll(/```ts\n([\s\S]*?)```/g)].map(([, code = '']) => code)
const sandbox = await sandboxOfThisMachine()

test.each(snippets.map((code) => [/export const (\w+)/.exec(code)?.[1] ?? '', code]))(
  'the snippet with %s holds tools without a fault',
  async (name, code) => {
    const answer = await describeBundle({ file: './tools.ts', text: bundleOf(code) }, { sandbox, guard: noGuard })
    expect(answer).toMatchObject({ kind: 'tools', tools: expect.arrayContaining([expect.objectContaining({ name })]) })
  },
)

test('a call answers what the page says', async () => {
  const [, name = '', args = '', answer = ''] = /A call `(\w+) (\{.*?\})` answers\s+`(.*?)`/.exec(page) ?? []
  const code = snippets.find((one) => one.includes(`export const ${name} `)) ?? ''
  const { run } = hostsOf({ a: bundleOf(code) })
  expect(await run('a', name, JSON.parse(args))).toEqual({ kind: 'value', value: JSON.parse(answer) })
})
