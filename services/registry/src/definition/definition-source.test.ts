import type { Problem } from '@reins/contracts'
import { describe, expect, test } from 'vitest'
import { type DefinitionSource, parseDefinition, problemsText, type SourceOptions } from './definition-source.ts'

const minimal = 'name: coder\nmodel: scripted/demo\nsystem_prompt: Be brief.\n'

function problemsOf(source: string | DefinitionSource, options?: SourceOptions): readonly Problem[] {
  const parsed = parseDefinition(typeof source === 'string' ? { yaml: source } : source, options)
  if (parsed.kind === 'valid') throw new Error(`valid: ${JSON.stringify(parsed.definition)}`)
  return parsed.problems
}
const definitionOf = (yaml: string, options?: SourceOptions) => {
  const parsed = parseDefinition({ yaml }, options)
  if (parsed.kind === 'invalid') throw new Error(problemsText(parsed.problems))
  return parsed.definition
}
/** The first problem as one line, and that there is no other. */
function only(source: string | DefinitionSource, options?: SourceOptions): string {
  const problems = problemsOf(source, options)
  expect(problems).toHaveLength(1)
  return problemsText(problems)
}

describe('a valid definition', () => {
  test('is what was written, with no defaults in it', () => {
    const yaml = `${minimal}tools:
  - system_tools: {workspace: /srv/project, timeout: 60, blocklist: [rm -rf, sudo]}
  - read_file
max_tool_calls: 20
stream: false
approval_mode: default
planning: false
affinity: {browser: "true"}
`
    expect(definitionOf(yaml)).toEqual({
      name: 'coder',
      model: 'scripted/demo',
      system_prompt: 'Be brief.',
      tools: [{ system_tools: { workspace: '/srv/project', timeout: 60, blocklist: ['rm -rf', 'sudo'] } }, 'read_file'],
      max_tool_calls: 20,
      stream: false,
      approval_mode: 'default',
      planning: false,
      affinity: { browser: 'true' },
    })
  })

  test('may be JSON, also with tabs, and JSON as a value', () => {
    const definition = { name: 'coder', model: 'scripted/demo', system_prompt: 'x\ty' }
    expect(definitionOf(JSON.stringify(definition, null, '\t'))).toEqual(definition)
    expect(parseDefinition({ definition })).toMatchObject({ kind: 'valid', definition })
  })

  test('gets the name that it is put under', () => {
    expect(definitionOf('model: a/b\nsystem_prompt: x\n', { name: 'coder' }).name).toBe('coder')
  })

  test('may repeat a part by an alias, and be written on Windows', () => {
    const yaml = `${minimal}tools:\n  - shell: &s {timeout: 5}\n  - files: *s\n`.replaceAll('\n', '\r\n')
    expect(definitionOf(`\ufeff${yaml}`).tools).toEqual([{ shell: { timeout: 5 } }, { files: { timeout: 5 } }])
  })
})

describe('what is wrong is said with its line and what would be valid', () => {
  test('an unknown field', () => {
    const text = only(`${minimal}max_tool_call: 3\n`)
    expect(text).toContain('line 4: max_tool_call unknown field "max_tool_call"; did you mean "max_tool_calls"?')
    expect(text).toContain('valid fields: name, model, system_prompt')
  })
  test('a missing field', () => {
    expect(only('name: a\nmodel: a/b\n')).toMatch(/^system_prompt is missing: give a text/)
  })
  test('a wrong type', () => {
    expect(only(`${minimal}max_tokens: "many"\n`)).toBe(
      'line 4: max_tokens must be a whole number from 1 to 1000000, not the text "many"',
    )
    expect(only(`${minimal}max_tokens: 1.5\n`)).toContain('not 1.5')
    expect(only(`${minimal}max_tokens: .nan\n`)).toContain('not NaN')
    expect(only(`${minimal}stream: yes\n`)).toContain('must be true or false, not the text "yes"')
    expect(only(`${minimal}tools: shell\n`)).toContain('tools must be a list of tools, not the text "shell"')
  })
  test('a number out of its range', () => {
    expect(only(`${minimal}max_tool_calls: -1\n`)).toContain('is -1; it must be a whole number from 0 to 1000')
  })
  test('a field without a value', () => {
    expect(only(`${minimal}description:\n`)).toContain('line 4: description has no value')
  })
  test('a value that is not in the list', () => {
    expect(only(`${minimal}reasoning_effort: hihg\n`)).toContain(
      'must be one of low, medium, high, not the text "hihg"; did you mean "high"?',
    )
  })
  test('a name that breaks the rule, or is another one', () => {
    for (const name of ['Coder', 'a--b', '-a', '..', 'a/b', 'x'.repeat(65)])
      expect(problemsOf(`name: "${name}"\nmodel: a/b\nsystem_prompt: x\n`)[0]).toMatchObject({ path: 'name', line: 1 })
    expect(only(minimal, { name: 'other' })).toContain('line 1: name is "coder", but the agent is "other"')
  })
  test('a model without a provider', () => {
    expect(only('name: a\nmodel: gpt\nsystem_prompt: x\n')).toContain('provider/model')
  })
  test('a model that nobody provides has its own code', () => {
    const parsed = parseDefinition({ yaml: minimal }, { knownProviders: ['scripts', 'openai'] })
    expect(parsed).toMatchObject({ kind: 'invalid', code: 'model_not_found' })
    expect(only(minimal, { knownProviders: ['anthropic'] })).toBe(
      'line 2: model nobody provides "scripted/demo"; configured are: anthropic',
    )
  })
  test('a model that its provider does not have, where all of them are known', () => {
    const known = { knownProviders: ['scripted/demo', 'anthropic'] }
    expect(parseDefinition({ yaml: minimal }, known)).toMatchObject({ kind: 'valid' })
    expect(parseDefinition({ yaml: minimal.replace('scripted/demo', 'scripted/nope') }, known)).toMatchObject({
      kind: 'invalid',
      code: 'model_not_found',
    })
  })
  test('unknown tools and settings', () => {
    expect(only(`${minimal}tools:\n  - shell\n  - raed_file\n`)).toMatch(
      /^line 6: tools\[1\] there is no tool or group "raed_file"; did you mean "read_file"\?; groups: system_tools, .*tools: read_file/,
    )
    expect(only(`${minimal}tools:\n  - shell:\n      time_out: 3\n`)).toContain(
      'line 6: tools[0].shell.time_out unknown field "time_out"; did you mean "timeout"?',
    )
    expect(only(`${minimal}tools:\n  - shell:\n`)).toContain('tools[0].shell has no settings')
    expect(only(`${minimal}tools:\n  - shell: {blocklist: ["("]}\n`)).toContain(
      'blocklist[0] "(" is no regular expression',
    )
    expect(only(`${minimal}tools:\n  - 3\n`)).toContain('tools[0] must be the name of a tool or group')
    expect(only(`${minimal}tools:\n  - shell: {blocklist: ["(?=x)"]}\n`)).toContain('no lookaround')
    expect(only(`${minimal}tools:\n  - shell: {max_output_chars: 200}\n`)).toContain(
      'line 5: tools[0].shell.max_output_chars is 200; it must be a whole number from 4000 to 1000000',
    )
    expect(only(`${minimal}tools:\n  - {shell: {}, files: {}}\n`)).toContain(
      'tools[0] has 2 names ("shell", "files"): give each an entry of its own',
    )
  })
  test('all problems at once, in the order of their lines', () => {
    const problems = problemsOf('name: A\nmodel: x\nsystem_prompt: ""\nfoo: 1\n')
    expect(problems.map(({ path, line }) => [path, line])).toEqual([
      ['name', 1],
      ['model', 2],
      ['system_prompt', 3],
      ['foo', 4],
    ])
  })
  test.each([
    ['{provider: sqlite, connection: ../x.db}', '.connection', 'with no folder above it'],
    ['{provider: sqlite, connection: /etc/x.db}', '.connection', 'must be the name of a file'],
    ['{provider: sqlite, connection: "file:x.db"}', '.connection', 'must be the name of a file'],
    ['{provider: sqlite, connection: a/../../x.db}', '.connection', 'must be the name of a file'],
    ['{provider: sqlite, connection: memory.db-wal}', '.connection', 'must be the name of a file'],
    ['{provider: memory, connection: x.db}', '.connection', 'leave it out'],
    ['{provider: sqlite, scope: "user:$principle"}', '.scope', 'valid: $principal, $agent, $session'],
    ['{provider: sqlite, scope: "a\\nb"}', '.scope', 'control characters'],
  ])('a memory that has no place: %s', (memory, path, message) => {
    expect(problemsOf(`${minimal}long_term_memory: ${memory}\n`)).toMatchObject([
      { path: `long_term_memory${path}`, message: expect.stringContaining(message), line: 4 },
    ])
  })
  test.each([
    ['tools_file: 3', 'tools_file', 'must be the path of a TypeScript file'],
    ['tools_file: ""', 'tools_file', 'is empty'],
    ['tools_file: [./x.ts, {path: ./y.ts}]', 'tools_file[1].file', 'is missing'],
    ['tools:\n  - file: {x: 1}', 'tools[0].file', 'must be a text'],
    ['tools:\n  - {file: ./x.ts, digest: sha256-1}', 'tools[0].digest', 'is not valid'],
    ['tools:\n  - {file: ./x.ts, secret: X}', 'tools[0].secret', 'unknown field "secret"'],
    ['workflow_file: 3', 'workflow_file', 'must be'],
    ['workflow_file: {file: ./x.ts, tools: []}', 'workflow_file.tools', 'unknown field "tools"'],
    [`tools: [${Array(21).fill('{file: ./x.ts}')}]`, 'tools[20]', 'an agent has at most 20'],
  ])('a file that is named wrongly: %s', (line, path, message) => {
    const problems = problemsOf(`${minimal}${line}\n`)
    expect(problems.map((problem) => problem.path)).toContain(path)
    expect(problemsText(problems)).toContain(message)
  })
  test('a later field is checked like every other first', () => {
    expect(only(`${minimal}max_plan_steps: 1\n`)).toContain('must be a whole number from 2 to 100')
    expect(only(`${minimal}mcp_servers:\n  - {name: x}\n`)).toContain('mcp_servers[0] needs a url, or a command')
  })
})

describe('hostile input is one clear problem', () => {
  test('tabs as indentation', () => {
    expect(only('name: a\ntools:\n\t- shell\n')).toBe(
      'line 3: the definition uses a tab as indentation, which YAML does not allow: use spaces',
    )
  })
  test('duplicate keys, also with thousands between them', () => {
    expect(only(`${minimal}name: b\n`)).toContain('line 4: name stands twice; first on line 1')
    const many = Array.from({ length: 7000 }, (_, i) => `k${i}: 1`).join('\n')
    expect(problemsText(problemsOf(`${many}\nk0: 2\n`))).toContain('k0 stands twice; first on line 1')
  })
  test('aliases that explode', () => {
    const bomb = ['a0: &a0 [x, x, x, x, x, x, x, x, x]']
    for (let i = 1; i < 10; i++)
      bomb.push(`a${i}: &a${i} [${Array.from({ length: 9 }, () => `*a${i - 1}`).join(', ')}]`)
    expect(problemsText(problemsOf(bomb.join('\n')))).toMatch(/uses aliases more than 100 times|expand to more than/)
    expect(only('a: &a [*a]\n')).toContain('nested deeper')
    expect(only('a: *nobody\n')).toContain('the alias *nobody has no anchor before it')
  })
  test.each([
    ['lists in lists', '['.repeat(400_000)],
    ['mappings in mappings', '{a: '.repeat(100_000)],
    ['dashes', '- '.repeat(200_000)],
    ['questions', '? '.repeat(200_000)],
    ['steps', Array.from({ length: 900 }, (_, i) => `${' '.repeat(i)}a:`).join('\n')],
    ['closed ones', `a: ${'['.repeat(5000)}${']'.repeat(5000)}`],
  ])('deep nesting: %s', (_, yaml) => {
    expect(only(yaml)).toMatch(/nested deeper than 20 levels|has more than 50000 parts/)
  })
  test('too many parts, and too long', () => {
    expect(only('- x\n'.repeat(60_000))).toContain('has more than 50000 parts')
    expect(only(`# ${'x'.repeat(600_000)}\n${minimal}`)).toContain('at most 524288 are allowed')
    expect(only(`name: a\nmodel: a/b\nsystem_prompt: "${'é'.repeat(240_000)}"\n`)).toContain(
      'at most 409600 are allowed',
    )
  })
  test('__proto__ as a key, wherever it stands', () => {
    expect(only(`${minimal}affinity:\n  __proto__: x\n`)).toContain('line 5: affinity has a key "__proto__"')
    expect(only({ definition: JSON.parse('{"__proto__": {"name": "x"}}') })).toContain('has a key "__proto__"')
    expect(only(`${minimal}constructor: x\n`)).toContain('unknown field "constructor"')
    expect(({} as Record<string, unknown>).name).toBeUndefined()
  })
  test('control characters, raw and escaped', () => {
    expect(only('name: a\nmodel: "a/\0b"\n')).toBe(
      'line 2: the definition holds the control character U+0000, which YAML does not allow: remove it',
    )
    expect(only('name: a\nmodel: a/b\nsystem_prompt: "x\\0y"\n')).toContain('system_prompt holds the character NUL')
    expect(only({ definition: { name: 'a', model: 'a/b', system_prompt: 'x\0' } })).toContain('NUL')
    expect(only({ definition: { name: 'a', model: 'a/b', system_prompt: 'x\ud800' } })).toContain('half of a character')
  })
  test('bytes that are not UTF-8', () => {
    expect(only({ yaml: Buffer.from([0x6e, 0x3a, 0x20, 0xff, 0xfe]) })).toContain('is not UTF-8')
    expect(only(Buffer.from([0x6e, 0x3a, 0x20, 0xff]).toString())).toContain('bytes that are not UTF-8')
  })
  test.each([
    ['nothing', '', 'is empty'],
    ['a comment', '# later\n', 'is empty'],
    ['a list', '- a\n', 'must be a mapping with name, model and system_prompt, not a list'],
    ['a text', 'hello', 'not the text "hello"'],
    ['two documents', `${minimal}---\n${minimal}`, 'more than one document'],
    [
      'a custom tag',
      `${minimal}x: !!js/function "y"\n`,
      'line 4: the definition holds a tag (!…) that is not known here',
    ],
    ['an older YAML', `%YAML 1.1\n---\n${minimal}`, 'starts with a directive'],
    ['a mapping as key', '{a: 1}: b\n', 'the definition has a key that is a list or a mapping'],
    ['an open bracket', 'name: [a\nmodel: b\n', 'the definition is no valid YAML'],
  ])('%s', (_, yaml, message) => {
    expect(problemsText(problemsOf(yaml))).toContain(message)
  })
  test('JSON values that are none of a definition', () => {
    for (const definition of [null, 3, 'x', [], true]) expect(only({ definition })).toContain('must be a mapping')
    let deep: unknown = 1
    for (let i = 0; i < 50; i++) deep = [deep]
    expect(only({ definition: { tools: deep } })).toContain('nested deeper')
  })
})
