// Texts in the tree of a Markdown document, made plain: `&#x202e;` is a character only once the Markdown was read.
import { plainText } from './plain.ts'

interface Node {
  readonly type: string
  value?: string
  readonly children?: readonly Node[]
}

/** A plugin of rehype. */
export const plainNodes =
  () =>
  (tree: Node): void =>
    walk(tree)

function walk(node: Node): void {
  if (node.type === 'text' && node.value !== undefined) node.value = plainText(node.value)
  for (const child of node.children ?? []) walk(child)
}
