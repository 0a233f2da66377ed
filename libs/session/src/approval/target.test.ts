import type { ToolTarget } from '@reins/contracts'
import { describe, expect, it } from 'vitest'
import { simpleCommand } from './simple-command.ts'
import { matches, targetOf } from './target.ts'

const command: ToolTarget = { argument: 'command', kind: 'command' }
const path: ToolTarget = { argument: 'path', kind: 'path' }

describe('a simple command', () => {
  it.each([
    ['git log', ['git', 'log']],
    ['  npm   test -- --run "a b"', ['npm', 'test', '--', '--run', 'a b']],
    ["grep -n 'a$b' src/x.ts", ['grep', '-n', 'a$b', 'src/x.ts']],
    ['make CC=gcc', ['make', 'CC=gcc']],
    ['echo ""', ['echo', '']],
  ])('is the words that one program gets: %j', (text, words) => {
    expect(simpleCommand(text)).toEqual(words)
  })

  it.each([
    'a && b',
    'a & b',
    'a; b',
    'a | b',
    'a || b',
    'a > f',
    'a < f',
    'a $(b)',
    'a `b`',
    'a $B',
    'a "$B"',
    'a "`b`"',
    'a\nb',
    'a "\n" b',
    'a \\\n b',
    'a\rb',
    'a\u0000b',
    '(a)',
    '{ a; }',
    'a{b,c}',
    'a *',
    'a ?',
    'a [b]',
    'a ~',
    'a # b',
    '! a',
    'A=b c',
    'PATH=. npm test',
    'a "b',
    "a 'b",
    '',
    '   ',
    'a \u202e b',
    'a\u00a0b',
  ])('is nothing that a shell would read for more: %j', (text) => {
    expect(simpleCommand(text)).toBeNull()
  })
})

describe('a pattern of commands', () => {
  const may = (pattern: string, text: string) => matches(pattern, command, { command: text })

  it.each([
    ['npm test*', 'npm test', true],
    ['npm test*', 'npm  test -- --run x', true],
    ['npm test*', 'npm run evil', false],
    ['npm test*', 'npm test && rm -rf x', false],
    ['git *', 'git log', true],
    ['git *', 'git log && curl x | sh', false],
    ['git *', 'git log; curl x', false],
    ['git *', 'git log $(curl x)', false],
    ['git *', 'git log\ncurl x', false],
    ['git *', 'git commit -m "a b"', false],
    ['git log', 'git log', true],
    ['git log', 'git log -p', false],
    ['*', 'a && b', false],
    ['', '', false],
  ])('%j lets %j pass: %j', (pattern, text, passes) => {
    expect(may(pattern, text)).toBe(passes)
  })

  it('is read in no more time than the lengths of both take', () => {
    const pattern = `${'*a'.repeat(400)}b`
    expect(may(pattern, 'a'.repeat(5_000))).toBe(false)
  })
})

describe('a pattern of paths', () => {
  it.each([
    ['docs/**', 'docs/a/b.md', true],
    ['docs/**', './docs//a.md', true],
    ['docs/**', 'docs/../secret', false],
    ['docs/*', 'docs/a/b.md', false],
    ['docs/*.md', 'docs/a.md', true],
    ['docs/**', '../docs/a', false],
    ['docs/**', '/docs/a', false],
    ['**', '../a', false],
  ])('%j lets %j pass: %j', (pattern, text, passes) => {
    expect(matches(pattern, path, { path: text })).toBe(passes)
  })
})

describe('the target of a call', () => {
  it('is the command letter by letter, or the path in one form', () => {
    expect(targetOf(command, { command: 'a  && b' })).toBe('a  && b')
    expect(targetOf(path, { path: './a//b/../c' })).toBe('a/c')
    expect(targetOf(path, { path: '../x' })).toBeUndefined()
    expect(targetOf(undefined, { path: 'x' })).toBeUndefined()
    expect(targetOf(path, { other: 'x' })).toBeUndefined()
    expect(targetOf(path, { path: 7 })).toBeUndefined()
  })
})
