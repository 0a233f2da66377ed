import { randomBytes } from 'node:crypto'
import { mkdtempSync, readdirSync, readFileSync, rmSync, statSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import path from 'node:path'
import { expect, onTestFinished, test } from 'vitest'
import { keyFile } from './key-file.ts'
import { keyringText, keyText, makeKey, parseKeyring } from './keyring.ts'

const key = () => makeKey(randomBytes(32))
function folder(): string {
  const made = mkdtempSync(path.join(tmpdir(), 'reins-keys-'))
  onTestFinished(() => rmSync(made, { recursive: true }))
  return made
}

test('a keyring is read as it was written, with commas or on lines, and a key in it twice counts once', () => {
  const keyring = { current: key(), older: [key(), key()] }
  expect(parseKeyring(keyringText(keyring))).toEqual(keyring)
  const all = [keyring.current, ...keyring.older].map(keyText)
  expect(parseKeyring(all.join(','))).toEqual(keyring)
  expect(parseKeyring([...all, ...all].join(' '))).toEqual(keyring)
})

test('a text that is no key is refused without being shown', () => {
  const short = keyText(key()).slice(0, -1)
  for (const text of ['', ' ', 'hunter22', short, `${keyText(key())},${short}`])
    expect(() => parseKeyring(text)).toThrow(/A key is reins_key_ and 43/)
  expect(() => parseKeyring('hunter22')).not.toThrow(/hunter22/)
})

test('the first reading makes the file with one key, for its owner alone; the next ones find it', () => {
  const file = path.join(folder(), 'secrets.key')
  const first = keyFile(file, randomBytes).read()
  expect(first.older).toEqual([])
  expect(statSync(file).mode & 0o777).toBe(0o600)
  expect(keyFile(file, randomBytes).read()).toEqual(first)
})

test('writing replaces it as a whole, leaves nothing beside it, and closes it to others', () => {
  const file = path.join(folder(), 'secrets.key')
  const store = keyFile(file, randomBytes)
  const keyring = { current: key(), older: [store.read().current] }
  store.write?.(keyring)
  expect(store.read()).toEqual(keyring)
  expect(readdirSync(path.dirname(file))).toEqual(['secrets.key'])
  writeFileSync(file, readFileSync(file), { mode: 0o644 })
  store.read()
  expect(statSync(file).mode & 0o777).toBe(0o600)
})

test('a file that holds something else is refused with what to do, and stays', () => {
  const file = path.join(folder(), 'secrets.key')
  writeFileSync(file, 'my password\n')
  expect(() => keyFile(file, randomBytes).read()).toThrow(/cannot be used: key 1 in it is not valid.*Put the file back/)
  expect(() => keyFile(file, randomBytes).read()).not.toThrow(/my password/)
  expect(readFileSync(file, 'utf8')).toBe('my password\n')
})
