import { formProblem } from '@reins/contracts'
import { expect, test } from 'vitest'
import { contentOf, fieldsOf, presetsOf } from './form.ts'

const schema = {
  type: 'object',
  properties: {
    title: { type: 'string', title: 'Title', description: 'Of the issue' },
    points: { type: 'integer', default: 3 },
    urgent: { type: 'boolean' },
    kind: { type: 'string', enum: ['bug', 'idea'] },
    labels: { type: 'array', items: { type: 'string', enum: ['ui', 'api'] } },
  },
  required: ['title', 'urgent'],
}

test('each field of a form becomes what a page has for it', () => {
  expect(fieldsOf(schema).map(({ name, kind, required }) => [name, kind, required])).toEqual([
    ['title', 'text', true],
    ['points', 'number', false],
    ['urgent', 'yes-or-no', true],
    ['kind', 'one-of', false],
    ['labels', 'some-of', false],
  ])
})

test('what is filled in is what the form takes', () => {
  const fields = fieldsOf(schema)
  const content = contentOf(fields, { ...presetsOf(fields), title: 'Broken', kind: 'bug', labels: ['ui'] })
  expect(content).toEqual({ title: 'Broken', points: 3, urgent: false, kind: 'bug', labels: ['ui'] })
  expect(formProblem(schema, content)).toBeNull()
})

test('what is left empty is left out', () => {
  const fields = fieldsOf(schema)
  expect(contentOf(fields, { ...presetsOf(fields), points: '' })).toEqual({ urgent: false })
})

test('a schema that is none has no fields', () => {
  expect(fieldsOf(undefined)).toEqual([])
})
