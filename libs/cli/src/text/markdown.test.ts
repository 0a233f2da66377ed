import { describe, expect, test } from 'vitest'
import { inlineMarkdown } from './inline-markdown.ts'
import { MarkdownStream } from './markdown.ts'
import { makeStyle, type Style } from './style.ts'

const plain = makeStyle(false)
/** Shows styles as tags, so that a test can read them. */
const tagged: Style = Object.fromEntries(
  Object.keys(plain).map((name) => [name, (text: string) => (text === '' ? '' : `<${name}>${text}</${name}>`)]),
) as unknown as Style

const rendered = (text: string, width = 60, style = plain) => {
  const stream = new MarkdownStream(style)
  return [...stream.push(text, width), ...stream.end(width)]
}

describe('inside a line', () => {
  test.each([
    ['a **bold** word', 'a <bold>bold</bold> word'],
    ['*it* and _it_', '<italic>it</italic> and <italic>it</italic>'],
    ['***both***', '<bold><italic>both</italic></bold>'],
    ['run `npm *x*` now', 'run <cyan>npm *x*</cyan> now'],
    ['``a ` b``', '<cyan>a ` b</cyan>'],
    ['snake_case_name stays', 'snake_case_name stays'],
    ['2 * 3 * 4', '2 * 3 * 4'],
    ['an *open mark', 'an *open mark'],
    ['~~gone~~', '<strike>gone</strike>'],
    ['\\*not\\*', '*not*'],
    ['[docs](https://x.dev/a)', '<underline>docs</underline> <dim>(https://x.dev/a)</dim>'],
    ['[https://x.dev](https://x.dev)', '<underline>https://x.dev</underline>'],
    ['**bold with `code`**', '<bold>bold with <cyan>code</cyan></bold>'],
  ])('%s', (text, expected) => expect(inlineMarkdown(text, tagged)).toBe(expected))

  test('hostile lines take no longer than others', () => {
    for (const mark of ['*', '**', '`', '[', '[a](', '_a', '~~', '*a '])
      expect(inlineMarkdown(mark.repeat(4000), plain).length).toBeGreaterThan(0)
  })
})

describe('blocks', () => {
  test('headings, lists, quotes and rules', () => {
    expect(rendered('# Title\n\n- one\n  - two\n1. first\n- [x] done\n> said\n\n---\nend', 30)).toEqual([
      'Title',
      '',
      '• one',
      '  • two',
      '1. first',
      '• ☑ done',
      '│ said',
      '',
      '─'.repeat(30),
      'end',
    ])
  })
  test('code keeps its spaces and is not wrapped', () => {
    expect(rendered('```ts\nconst a =  1 // **x**\n\n  b\n```\nafter', 10)).toEqual([
      '  ts',
      '  const a =  1 // **x**',
      '',
      '    b',
      'after',
    ])
  })
  test('a table is aligned once it is over', () => {
    expect(rendered('| a | long |\n|---|---:|\n| 1 | 2 |\n| **333** | 4 |\nend')).toEqual([
      'a    long',
      '───  ────',
      '1       2',
      '333     4',
      'end',
    ])
  })
  test('a table that is too wide is cut', () => {
    expect(rendered('| a | b |\n|---|---|\n| 12345678901234567890 | 12345678901234567890 |', 20)).toEqual([
      'a          b',
      '─────────  ─────────',
      '12345678…  12345678…',
    ])
  })
  test('words wrap under their item', () => {
    expect(rendered('- one two three four', 12)).toEqual(['• one two', '  three four'])
  })
})

describe('while it arrives', () => {
  const text = '# Hi\nsome **bold** text\n```\ncode\n```\n| a | b |\n|---|---|\n| 1 | 2 |\n\n- x\n'
  test('character by character gives the same lines as at once', () => {
    const stream = new MarkdownStream(tagged)
    const lines = [...text].flatMap((character) => stream.push(character, 40))
    lines.push(...stream.end(40))
    expect(lines).toEqual(rendered(text, 40, tagged))
  })
  test('what is not complete is shown as it looks so far', () => {
    const stream = new MarkdownStream(plain)
    expect(stream.push('Hello **wor', 40)).toEqual([])
    expect(stream.live(40)).toEqual(['Hello **wor'])
    stream.push('ld**', 40)
    expect(stream.live(40)).toEqual(['Hello world'])
    expect(stream.push('\n', 40)).toEqual(['Hello world'])
    expect(stream.live(40)).toEqual([])
  })
  test('escape sequences of a model do not reach the terminal', () => {
    expect(rendered('\x1b[2Jgone\n```\n\x1b]52;c;x\x07\n```')).toEqual(['␛[2Jgone', '  ␛]52;c;x␇'])
  })
})
