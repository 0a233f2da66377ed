import { expect, test } from 'vitest'
import { IgnoredFields } from './ignored-fields.ts'

test('each name is said once for each model, and there is an end of new names', () => {
  const said: unknown[] = []
  const fields = new IgnoredFields({ info: (line: object) => void said.push(line) })
  fields.note('lab/m', ['delta.mood', 'usage.watts'])
  fields.note('lab/m', ['delta.mood'])
  fields.note('lab/m', ['delta.mood', 'delta.tone'])
  fields.note('lab/n', ['delta.mood'])
  expect(said).toEqual([
    { model: 'lab/m', fields: ['delta.mood', 'usage.watts'] },
    { model: 'lab/m', fields: ['delta.tone'] },
    { model: 'lab/n', fields: ['delta.mood'] },
  ])
  for (let at = 0; at < 1000; at++) fields.note('lab/m', [`delta.x${at}`])
  expect(said.length).toBeLessThan(510)
})
