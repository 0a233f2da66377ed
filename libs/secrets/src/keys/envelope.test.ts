import { randomBytes } from 'node:crypto'
import fc from 'fast-check'
import { expect, test } from 'vitest'
import { openSecret, rewrapSecret, sealSecret } from './envelope.ts'
import { type Keyring, makeKey } from './keyring.ts'

const keyring = (): Keyring => ({ current: makeKey(randomBytes(32)), older: [] })

test('any text under any name opens again with its key, and the record holds nothing of it', () => {
  const keys = keyring()
  fc.assert(
    fc.property(fc.string({ minLength: 1 }), fc.string({ unit: 'grapheme', minLength: 8 }), (name, value) => {
      const envelope = sealSecret(name, value, keys, randomBytes)
      expect(openSecret(name, envelope, keys)).toEqual({ kind: 'open', value: value.toWellFormed() })
      expect(JSON.stringify(envelope)).not.toContain(value)
    }),
  )
})

test('the same value is sealed differently each time', () => {
  const keys = keyring()
  const seal = () => sealSecret('A', 'value', keys, randomBytes).sealed
  expect(seal()).not.toBe(seal())
})

test('a record opens under no other name', () => {
  const keys = keyring()
  expect(openSecret('B', sealSecret('A', 'value', keys, randomBytes), keys)).toEqual({ kind: 'damaged' })
})

test('a record in which a byte was changed does not open', () => {
  const keys = keyring()
  const envelope = sealSecret('A', 'value', keys, randomBytes)
  for (const part of ['wrapped', 'sealed'] as const) {
    const bytes = Buffer.from(envelope[part], 'base64')
    for (let at = 0; at < bytes.length; at++) {
      const changed = Buffer.from(bytes)
      changed.writeUInt8(changed.readUInt8(at) ^ 1, at)
      const record = { ...envelope, [part]: changed.toString('base64') }
      expect(openSecret('A', record, keys), `${part} ${at}`).toEqual({ kind: 'damaged' })
    }
    expect(openSecret('A', { ...envelope, [part]: '' }, keys)).toEqual({ kind: 'damaged' })
  }
})

test('without its key it says which one is missing', () => {
  const keys = keyring()
  const envelope = sealSecret('A', 'value', keys, randomBytes)
  expect(openSecret('A', envelope, keyring())).toEqual({ kind: 'no-key', key: keys.current.id })
})

test('under a new key the value stays as it was sealed, opens with either key, and then with the new one alone', () => {
  const old = keyring()
  const envelope = sealSecret('A', 'value', old, randomBytes)
  const both: Keyring = { ...keyring(), older: [old.current] }
  expect(openSecret('A', envelope, both)).toEqual({ kind: 'open', value: 'value' })
  const result = rewrapSecret('A', envelope, both, randomBytes)
  if (result.kind !== 'wrapped') throw new Error(result.kind)
  expect(result.envelope.sealed).toBe(envelope.sealed)
  expect(openSecret('A', result.envelope, { ...both, older: [] })).toEqual({ kind: 'open', value: 'value' })
  expect(openSecret('A', result.envelope, old)).toMatchObject({ kind: 'no-key' })
})
