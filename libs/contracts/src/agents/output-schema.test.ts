import { describe, expect, it } from 'vitest'
import { answerValue, askedSchema } from './output-schema.ts'

const object = { type: 'object', properties: { a: { type: 'number' } } }

describe('what a model is asked for', () => {
  it('is the schema itself, where that describes an object', () => {
    expect(askedSchema(object)).toBe(object)
  })

  it('is an object around any other value, whose references go where they went', () => {
    const tree = {
      type: 'array',
      items: { anyOf: [{ $ref: '#' }, { $ref: '#/$defs/leaf' }, { $ref: '#/items/anyOf/1' }] },
      $defs: { leaf: { $ref: '#/$defs/name' }, name: { type: 'string' } },
    }
    expect(askedSchema(tree)).toEqual({
      type: 'object',
      properties: {
        result: {
          type: 'array',
          items: {
            anyOf: [
              { $ref: '#/properties/result' },
              { $ref: '#/$defs/leaf' },
              { $ref: '#/properties/result/items/anyOf/1' },
            ],
          },
        },
      },
      required: ['result'],
      additionalProperties: false,
      $defs: tree.$defs,
    })
  })
})

describe('the value of an answer', () => {
  it.each([
    ['{"a":1}', { a: 1 }],
    ['```\n{"a":1}\n```', { a: 1 }],
    ['First ```js\nx\n```, then\n```json\n{"a":1}\n```', { a: 1 }],
    ['The value is {"a":{"b":"}"}}!', { a: { b: '}' } }],
  ])('of %j is its JSON', (text, value) => {
    expect(answerValue(object, text)).toEqual({ kind: 'value', value })
  })

  it.each(['', 'none', '{"a":', '{"a":1} and {"a":2}'])('of %j is none', (text) => {
    expect(answerValue(object, text).kind).toBe('none')
  })

  it('comes out of the object around it, where there is one', () => {
    const list = { type: 'array' }
    expect(answerValue(list, '{"result":[1]}')).toEqual({ kind: 'value', value: [1] })
    expect(answerValue(list, '[1]')).toEqual({ kind: 'value', value: [1] })
    expect(answerValue(object, '{"result":[1]}')).toEqual({ kind: 'value', value: { result: [1] } })
  })
})
