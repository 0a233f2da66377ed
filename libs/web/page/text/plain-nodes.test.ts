import { expect, test } from 'vitest'
import { plainNodes } from './plain-nodes.ts'

test('what Markdown makes of entities is made plain like any text', () => {
  const text = { type: 'text', value: 'exe.\u202efdp' }
  const tree = { type: 'root', children: [{ type: 'element', children: [text, { type: 'text', value: 'as it is' }] }] }
  plainNodes()(tree)
  expect(text.value).toBe('exe.\\u202efdp')
  expect(tree.children[0]?.children[1]?.value).toBe('as it is')
})
