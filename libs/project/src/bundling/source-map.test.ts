import { expect, test } from 'vitest'
import { mapOf } from './source-map.ts'

test('lines of kept sources stay where they are, others go, and where others follow the map says that it knows nothing', () => {
  // Generated line 1: column 0 of a:1:0, column 4 of b:3:2. Line 2: nothing. Line 3: column 40 of a:21:8, and of nothing at 45.
  const whole = {
    version: 3,
    sources: ['a', 'b'],
    sourcesContent: ['', ''],
    names: ['x'],
    mappings: 'AAAA,ICEEA;;wCDkBM,K',
  }
  expect(mapOf(JSON.stringify(whole), () => true)).toEqual({
    version: 3,
    sources: ['a', 'b'],
    mappings: 'AAAA,ICEE;;wCDkBM,K',
  })
  expect(mapOf(JSON.stringify(whole), (source) => source === 'a')).toEqual({
    version: 3,
    sources: ['a'],
    mappings: 'AAAA,I;;wCAoBQ,K',
  })
  expect(mapOf(JSON.stringify(whole), (source) => source === 'b')).toEqual({
    version: 3,
    sources: ['b'],
    mappings: 'IAEE;;wC',
  })
  expect(mapOf(JSON.stringify(whole), () => false)).toEqual({ version: 3, sources: [], mappings: '' })
})
