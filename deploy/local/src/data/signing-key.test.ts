import { mkdtempSync, rmSync } from 'node:fs'
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
