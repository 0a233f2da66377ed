// Patterns that explode in an engine that backtracks, that repeat without end, or that are none.
import { kindOf, type Row } from '../../corpus.ts'
import type { ToolInput } from '../../runners/builtin-tools.ts'

const answer = /^(ok|error)/

/** Against a file of a hundred thousand letters a, and one b. */
const regular: readonly (readonly [name: string, pattern: string])[] = [
  ['repeats in repeats', '(a+)+$'],
  ['repeats in repeats, named', '(?P<x>(?:a+)+)+$'],
  ['choices that overlap', '(a|aa)+$'],
  ['choices that overlap, three deep', '(((a|aa)+)+|a)+$'],
  ['repeats side by side', 'a*a*a*a*a*a*a*a*a*a*a*a*c'],
  ['dots side by side', '.*.*.*.*.*.*.*.*.*=.*'],
  ['the largest repeat', 'a{1000}'],
  ['a repeat beyond the largest', 'a{1001}'],
  ['repeats that multiply', '((a{100}){100}){100}'],
  ['repeats that multiply, with nothing in them', '((()*)*)*'],
  ['classes that multiply', '(([^x]{50}){10}){2}y'],
  ['all characters of a script', '[\\p{L}\\p{N}]{500}z'],
  ['a class of all there is', '[\\x{0}-\\x{10FFFF}]{300}q'],
  ['references back', '(a+)\\1+$'],
  ['looking ahead', '(?=(a+))a*b\\1'],
  ['looking back', '(?<=a{1,1000})b'],
  ['a thousand groups', '(a)'.repeat(1_000)],
  ['a thousand brackets', `${'('.repeat(1_000)}a${')'.repeat(1_000)}`],
  ['ten thousand choices', Array.from({ length: 10_000 }, (_, at) => `a${at}`).join('|')],
  ['a million characters', 'a'.repeat(1_000_000)],
  ['nothing', ''],
  ['a bracket that is open', '['],
  ['a class in the wrong order', '[z-a]'],
  ['half a character', '\ud83d+'],
  ['NUL', 'a\0+'],
  ['a star alone', '*'],
  ['an escape of nothing', '\\'],
  ['flags that are none', '(?zzz)a'],
]

/** Against a tree of a few folders with links in circles. */
const globs: readonly (readonly [name: string, pattern: string])[] = [
  ['stars in stars', `${'**/'.repeat(60)}*`],
  ['stars and letters', `${'a*'.repeat(200)}b`],
  ['stars and question marks', '*?'.repeat(300)],
  ['choices in choices', '{a,b,{c,d,{e,f}}}'.repeat(30)],
  ['choices that multiply', '{a,b}'.repeat(40)],
  ['a range of a billion', '{1..1000000000}'],
  ['brackets that are open', '['.repeat(500)],
  ['extended globs', '+(+(+(a)))'.repeat(20)],
  ['a class of all', '[!a-z]'.repeat(200)],
  ['a hundred thousand characters', '*/'.repeat(50_000)],
  ['NUL', '*\0*'],
]

export const patterns = kindOf<ToolInput>(
  'patterns that explode',
  'regular expressions and globs that cost another engine minutes, or that are none, for grep and find_files',
  [
    ...regular.map(
      ([name, pattern]): Row<ToolInput> => [
        `grep: ${name}`,
        { tool: 'grep', args: { path: 'many-a.txt', pattern } },
        answer,
      ],
    ),
    ...globs.map(
      ([name, pattern]): Row<ToolInput> => [`find_files: ${name}`, { tool: 'find_files', args: { pattern } }, answer],
    ),
    ...globs
      .slice(0, 5)
      .map(
        ([name, include]): Row<ToolInput> => [
          `grep, in names: ${name}`,
          { tool: 'grep', args: { pattern: 'inside', include } },
          answer,
        ],
      ),
  ],
)
