import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { mkdtempSync, readdirSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import path from 'node:path'
import { expect, onTestFinished, test } from 'vitest'
import { publicKeyIn, signatureCheck, signingKey } from './signing-key.ts'

function folder(): string {
  const made = mkdtempSync(path.join(tmpdir(), 'reins-signing-'))
  onTestFinished(() => rmSync(made, { recursive: true, force: true }))
  return made
}

test('what a data folder signs is checked with the public key beside it, and with no other', () => {
  const [ours, theirs] = [folder(), folder()]
  const signature = signingKey(ours)('a decision')
  signingKey(theirs)('a decision')
  const check = signatureCheck([publicKeyIn(ours) ?? ''])
  expect(check('a decision', signature)).toBe('valid')
  expect(check('another decision', signature)).toBe('wrong')
  expect(check('a decision', { ...signature, value: 'AAAA' })).toBe('wrong')
  expect(check('a decision', signingKey(ours)('a decision'))).toBe('valid')
  expect(signatureCheck([publicKeyIn(theirs) ?? ''])('a decision', signature)).toBe('unknown-key')
})

test('a folder without a key has none, and what is no key is refused', () => {
  expect(publicKeyIn(folder())).toBeUndefined()
  expect(() => signatureCheck(['-----BEGIN'])).toThrow('no public key of Ed25519')
})

test('processes that start at once make the keys together, and leave nothing else', async () => {
  const made = folder()
  const module = path.join(import.meta.dirname, 'signing-key.ts')
  const text = `import { rmSync } from 'node:fs'
    import { makeRoleKeys } from ${JSON.stringify(module)}
    const again = () => {
      rmSync(${JSON.stringify(path.join(made, 'signing.pub'))}, { force: true })
      makeRoleKeys(${JSON.stringify(made)})
    }
    process.stdout.write('ready')
    process.stdin.once('data', () => { for (let at = 0; at < 100; at++) again(); process.exit() })`
  const processes = Array.from({ length: 3 }, () => spawn(process.execPath, ['--input-type=module', '-e', text]))
  await Promise.all(processes.map(({ stdout }) => once(stdout, 'data')))
  const codes = processes.map((one) => once(one, 'exit').then(([code]) => code))
  for (const { stdin } of processes) stdin.write('go')
  expect(await Promise.all(codes)).toEqual([0, 0, 0])
  expect(readdirSync(made).filter((name) => !/\.(key|pub)$/.test(name))).toEqual([])
})
