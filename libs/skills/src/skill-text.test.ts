import { describe, expect, test } from 'vitest'
import { readSkillText } from './skill-text.ts'

const text = (fields: string, body = 'Do it.'): string => `---\n${fields}\n---\n${body}\n`
const problems = (source: string, folder = 'pdf'): readonly string[] => {
  const read = readSkillText(source, folder)
  return read.kind === 'problems' ? read.problems : []
}

describe('a SKILL.md', () => {
  test('says what a skill is for, and has instructions', () => {
    const fields = 'name: pdf\ndescription: Fills forms.\nlicense: MIT\nmetadata:\n  author: Ann\n  version: 2'
    expect(readSkillText(text(fields), 'pdf')).toEqual({
      kind: 'skill',
      skill: { name: 'pdf', description: 'Fills forms.' },
      instructions: 'Do it.',
    })
  })

  test('may come from another system: a mark of bytes at its beginning, and lines that end in two characters', () => {
    const source = `\uFEFF${text('name: pdf\ndescription: Fills forms.', 'One.\nTwo.').replaceAll('\n', '\r\n')}`
    expect(readSkillText(source, 'pdf')).toMatchObject({ kind: 'skill', instructions: 'One.\nTwo.' })
  })

  test('keeps lines of three hyphens in its instructions', () => {
    const read = readSkillText(text('name: pdf\ndescription: d', 'One.\n---\nTwo.'), 'pdf')
    expect(read).toMatchObject({ kind: 'skill', instructions: 'One.\n---\nTwo.' })
  })

  test.each([
    ['allowed-tools: read_file shell', ['read_file', 'shell']],
    ['allowed-tools: read_file, mcp__git__*', ['read_file', 'mcp__git__*']],
    ['allowed-tools: [read_file, read_file]', ['read_file']],
    ['allowed-tools: Bash(git add:*) Read, Bash(git status)', ['shell(git add:*)', 'read_file', 'shell(git status)']],
    ['allowed-tools: ["Read(docs/**)", mcp__Read__x]', ['read_file(docs/**)', 'mcp__Read__x']],
    ['allowed-tools: []', []],
    ['allowed-tools: ""', []],
  ])('lists the tools that it allows: %s', (line, expected) => {
    const read = readSkillText(text(`name: pdf\ndescription: d\n${line}`), 'pdf')
    expect(read).toMatchObject({ skill: { allowed_tools: expected } })
  })

  test.each([
    ['# Title', 'must begin with a line "---"'],
    ['---\nname: pdf\ndescription: d\n', 'must begin with a line "---"'],
    ['', 'must begin with a line "---"'],
    [text('name: pdf\ndescription: d', ' \n '), 'has no instructions'],
    [text('description: d'), 'needs a "name"'],
    [text('name: pdf'), 'needs a "description"'],
    [text('name: pdf\ndescription: "  "'), 'needs a "description"'],
    [text('name: pdf\ndescription: [a]'), 'has a description that is no text'],
    [text(`name: pdf\ndescription: ${'x'.repeat(1025)}`), 'has a description of 1025 characters; at most 1024'],
    [text('name: other\ndescription: d'), 'has the name "other", but its folder is "pdf"'],
    [text('name: PDF\ndescription: d'), 'a name has at most 64 characters'],
    [text('name: a--b\ndescription: d'), 'single hyphens'],
    [text('name: 3\ndescription: d'), 'has the name 3'],
    [text('name: pdf\ndescription: d\nallowed-tools: shell(git'), 'name tools as the agent has them'],
    [text('name: pdf\ndescription: d\nallowed-tools: {a: 1}'), '"allowed-tools" that are no list'],
    [text('name: pdf\ndescription: d\nallowed_tools: shell'), 'has "allowed_tools": write "allowed-tools"'],
    [text('name: pdf\ndescription: d\nmetadata: yes please'), 'has "metadata" that are no mapping'],
    [text('name: pdf\ndescription: d\nmetadata: {a: {b: 1}}'), 'has "metadata" with a list or a mapping in "a"'],
    [text('name: [pdf'), 'has a front matter that is no valid YAML'],
    [text('- a\n- b'), 'has a front matter without fields'],
    [text('name: pdf\nname: pdf\ndescription: d'), 'no valid YAML'],
    [text('a: &x 1\nname: pdf\ndescription: *x'), 'without anchors and aliases'],
    [text(`name: ${'['.repeat(4000)}`), 'nested deeper than'],
    [text(`x: y\n${' '.repeat(90)}- a`), 'nested deeper than'],
    [text(`name: pdf\ndescription: d\nx: ${'y'.repeat(9000)}`), 'a front matter of more than 8192 characters'],
    [text('name: pdf\ndescription: d', 'x'.repeat(70_000)), 'bytes long; at most 65536 are allowed'],
  ])('that is wrong is told how: %#', (source, expected) => {
    expect(problems(source).join('\n')).toContain(expected)
  })

  test('is told everything at once', () => {
    expect(problems(text('name: x', ''))).toHaveLength(3)
  })
})
