// The guides for people, followed word by word on a whole product: docs/approvals.md, and the first tool of docs/tools.md. That their
// other snippets are well formed is looked at in user-docs.test.ts.
import { execFile, spawnSync } from 'node:child_process'
import { chmodSync, mkdirSync, readFileSync, writeFileSync } from 'node:fs'
import path from 'node:path'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { Product } from '../bad-input/product.ts'
import { bundledBinary } from '../../scripts/bundle.ts'
import { compileCache } from '../harness/config.ts'

const deadline = 180_000
const root = path.join(import.meta.dirname, '..', '..')

interface Block {
  readonly language: string
  readonly text: string
}

const blocksOf = (document: string): readonly Block[] =>
  [...readFileSync(path.join(root, 'docs', document), 'utf8').matchAll(/^```(\w+)\n([\s\S]*?)^```$/gm)].map(
    ([, language = '', text = '']) => ({ language, text }),
  )
const approvals = blocksOf('approvals.md')
const tools = blocksOf('tools.md')

/** The block of this language that holds the words. */
function block(of: readonly Block[], language: string, words: string): string {
  const found = of.find((one) => one.language === language && one.text.includes(words))
  if (!found) throw new Error(`the guide has no ${language} block with ${words}`)
  return found.text
}

let product: Product
beforeAll(async () => {
  product = await Product.start()
  const bin = path.join(product.folder, 'bin')
  mkdirSync(bin)
  const run = `exec '${process.execPath}' '${await bundledBinary()}' "$@"\n`
  for (const [name, text] of [
    ['reins', `#!/bin/sh\n${run}`],
    ['npx', `#!/bin/sh\nshift\n${run}`],
  ] as const) {
    writeFileSync(path.join(bin, name), text)
    chmodSync(path.join(bin, name), 0o755)
  }
}, deadline)
afterAll(() => product.close(), deadline)

/** Text of a shell, as a person types it in the folder of the product. */
function shell(text: string, env: Readonly<Record<string, string>> = {}): Promise<string> {
  const environment = {
    ...compileCache,
    PATH: `${path.join(product.folder, 'bin')}:${path.dirname(process.execPath)}:/usr/bin:/bin`,
    ...{ HOME: product.folder, REINS_DATA_DIR: product.dataDir, REINS_URL: product.url, REINS_TOKEN: product.token },
    ...env,
  }
  return new Promise((resolve, reject) =>
    execFile('/bin/sh', ['-ec', text], { cwd: product.folder, env: environment }, (error, out, err) =>
      error ? reject(new Error(`${text}\n${out}${err}`)) : resolve(out + err),
    ),
  )
}

interface Waiting {
  readonly session: string
  readonly call: string
}

describe('docs/approvals.md', () => {
  const commands = block(approvals, 'sh', 'reins approvals list').replace(' --watch', '').trim().split('\n')

  beforeAll(async () => {
    const yaml = block(approvals, 'yaml', 'name: careful')
    const { status, text } = await product.ask('PUT', '/v1/agents/careful', yaml, {
      'content-type': 'application/yaml',
    })
    expect(status, text).toBe(201)
  }, deadline)

  async function waits(command = 'make'): Promise<Waiting> {
    const begun = await product.ask('POST', '/v1/sessions', { agent: 'careful', message: `!shell ${command}` })
    const session = begun.json.session.id as string
    const shown = async () => (await product.ask('GET', `/v1/sessions/${session}`)).json.waiting?.[0]?.call
    await expect.poll(shown, { timeout: deadline }).toEqual(expect.any(String))
    return { session, call: await shown() }
  }
  const listed = async ({ session }: Waiting) =>
    (await product.ask('GET', `/v1/approvals?state=all&session=${session}`)).json.approvals.map(
      (one: { state: string }) => one.state,
    )

  test.each(commands)(
    '%s',
    async (command) => {
      const waiting = await waits()
      await expect.poll(() => listed(waiting), { timeout: deadline }).toEqual(['waiting'])
      await shell(command.replace('01JD…', waiting.session).replace('c2-0', waiting.call))
      const state = command.includes('list')
        ? 'waiting'
        : command.includes('--args')
          ? 'edited'
          : command.includes('deny')
            ? 'denied'
            : 'approved'
      await expect.poll(() => listed(waiting), { timeout: deadline }).toEqual([state])
    },
    deadline,
  )

  const curl = spawnSync('curl', ['--version']).status === 0
  test.skipIf(!curl)(
    curl ? 'over HTTP' : 'over HTTP: not run, since this machine has no curl',
    async () => {
      const waiting = await waits()
      await expect.poll(() => listed(waiting), { timeout: deadline }).toEqual(['waiting'])
      const said = await shell(block(approvals, 'sh', 'curl'), { SESSION: waiting.session, CALL: waiting.call })
      expect(said).toContain('"verdict":"approved"')
      expect(said).toContain('"grant"')
    },
    deadline,
  )

  test(
    'grants are listed and revoked; who signed is verified',
    async () => {
      const waiting = await waits()
      const { json } = await product.ask('POST', `/v1/sessions/${waiting.session}/approvals/${waiting.call}`, {
        verdict: 'approved',
        scope: 'target',
      })
      const words = block(approvals, 'sh', 'reins approvals revoke')
      const said = await shell(
        words.replaceAll('01JD…', waiting.session).replace(/revoke (\S+) [a-z0-9]{14}/, `revoke $1 ${json.grant}`),
      )
      expect(said).toContain(`Revoked: ${json.grant}.`)
      const [command = '', ...printed] = block(approvals, 'console', 'session verify').trim().split('\n')
      const verified = await shell(command.replace(/^\$ /, '').replace(/\S+…/, waiting.session))
      const shape = (text: string) =>
        text.replaceAll(/\d+ frames|frame \d+|\([\w-]+\)|key [0-9a-f]{16}/g, (part) => part.replaceAll(/[\w-]+/g, 'x'))
      expect(shape(verified).trim().split('\n')).toEqual(printed.map(shape))
      const { json: fork } = await product.ask('POST', `/v1/sessions/${waiting.session}/fork`, {})
      const over = await shell(`reins session verify ${fork.session.id}`)
      expect(shape(over).trim().split('\n').slice(1)).toEqual(printed.map(shape).slice(1))
    },
    deadline,
  )
})

describe('docs/forks.md', () => {
  const commands = block(blocksOf('forks.md'), 'console', 'session fork')
    .trim()
    .split('\n')
    .map((line) => line.replace(/^\$ /, '').replace(/ +#.*$/, ''))

  beforeAll(async () => {
    const scripted = { name: 'forked', model: 'scripted/assistant', system_prompt: 'You do what you are told.' }
    expect((await product.ask('PUT', '/v1/agents/forked', scripted)).status).toBe(201)
  }, deadline)

  test.each(commands)(
    '%s',
    async (command) => {
      const begun = await product.ask('POST', '/v1/sessions?wait=turn', { agent: 'forked', message: 'say one' })
      const source = begun.json.session.id as string
      const said = await shell(command.replace('01JD…', source).replace('--at 12', '--at 2'))
      const forked = said.trim().split('\n')[0] ?? ''
      const status = async () => (await product.ask('GET', `/v1/sessions/${forked}`)).json
      await expect
        .poll(async () => (await status()).turns, { timeout: deadline })
        .toBe(/-m|--again/.test(command) ? 1 : 0)
      expect((await status()).forkedFrom.session).toBe(source)
      if (command.includes('--at')) {
        const whole = await shell(`reins session show ${forked} && reins session verify ${forked}`)
        expect(whole).toContain(`${source} after frame 2`)
        expect(whole).toContain('each as it was written, none missing')
      }
    },
    deadline,
  )
})

test(
  'docs/tools.md: its first tool is written, applied, and called',
  async () => {
    writeFileSync(path.join(product.folder, 'tools.ts'), block(tools, 'ts', 'word_count'))
    const yaml = block(tools, 'yaml', 'name: counter').replace('anthropic/claude-sonnet-4-5', 'scripted/assistant')
    writeFileSync(path.join(product.folder, 'counter.yaml'), yaml)
    const [apply = ''] = block(tools, 'sh', 'agent apply').split('\n')
    expect(await shell(apply)).toContain('word_count')
    const session = await product.session('counter')
    expect(await product.turn(session, 'call word_count {"text": "to be or not"}')).toContain('{"words":4}')
  },
  deadline,
)
