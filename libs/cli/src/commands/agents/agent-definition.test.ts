import { describe, expect, test } from 'vitest'
import { changedDefinition, completeDefinition, definitionYaml, flagFields } from './agent-definition.ts'

const file = (text: string) => ({ path: 'agent.yaml', text })
const coder = file('# mine\nname: coder\nmodel: scripted/demo\nsystem_prompt: |\n  Write.\n  Code.\ntools: [shell]\n')

describe('a definition of a file and flags', () => {
  test('a file that no flag changes is sent as it was written', () => {
    expect(completeDefinition('coder', coder, {})).toMatchObject({ name: 'coder', source: { yaml: coder.text } })
    expect(completeDefinition(undefined, coder, {})).toMatchObject({ name: 'coder', source: { yaml: coder.text } })
  })
  test('flags win over the file, and the name is one of them', () => {
    expect(completeDefinition('second', coder, { model: 'openai/gpt-5', tools: ['files', 'grep'] })).toMatchObject({
      name: 'second',
      source: {
        definition: {
          name: 'second',
          model: 'openai/gpt-5',
          system_prompt: 'Write.\nCode.\n',
          tools: ['files', 'grep'],
        },
      },
    })
  })
  test('flags alone', () => {
    expect(completeDefinition('a', undefined, { model: 'x/y', systemPrompt: 'Be.' }).source).toEqual({
      definition: { name: 'a', model: 'x/y', system_prompt: 'Be.' },
    })
  })
  test('every flag has its field', () => {
    expect(
      flagFields({
        model: 'm/m',
        systemPrompt: 's',
        description: 'd',
        tools: ['t'],
        toolsFile: ['tf'],
        workflowFile: 'wf',
        mcpServer: ['http://a', 'http://b'],
        skillsDir: 'sd',
        planning: false,
        maxToolCalls: 1,
        maxTokens: 2,
        reasoningEffort: 'low',
      }),
    ).toEqual({
      model: 'm/m',
      system_prompt: 's',
      description: 'd',
      tools: ['t'],
      tools_file: 'tf',
      workflow_file: 'wf',
      mcp_servers: [{ url: 'http://a' }, { url: 'http://b' }],
      skills_dir: 'sd',
      planning: false,
      max_tool_calls: 1,
      max_tokens: 2,
      reasoning_effort: 'low',
    })
  })
  test('an update keeps what neither the file nor a flag names, and takes away what is null in the file', () => {
    const stored = { name: 'a', model: 'x/y', system_prompt: 'Be.', max_tool_calls: 5 }
    expect(changedDefinition(stored, undefined, { model: 'x/z' }).source).toEqual({
      definition: { ...stored, model: 'x/z' },
    })
    const file = { path: 'a.yaml', text: 'name: other\nsystem_prompt: Do.\nmax_tool_calls: null\n' }
    expect(changedDefinition(stored, file, { model: 'x/z' }).source).toEqual({
      definition: { name: 'a', model: 'x/z', system_prompt: 'Do.' },
    })
  })
})

describe('a file that cannot be used', () => {
  test.each([
    ['name: a\n---\nname: b', /several definitions/],
    ['name: a\n\tmodel: x', /agent\.yaml is not valid YAML: Tabs.*line 2/s],
    ['name: a\nname: b', /Map keys must be unique.*line 2/s],
    ['- a', /does not hold the definition/],
    ['model: x/y', /does not name the agent/],
    [
      `a: &a [x,x,x,x,x,x,x,x,x,x]\n${'bcdefg'.replace(/./g, (c, i: number) => `${c}: &${c} [${Array(10).fill(`*${'abcdefg'[i]}`)}]\n`)}`,
      /cannot be read: Excessive alias/,
    ],
  ])('%j', (text, message) => {
    expect(() => completeDefinition(undefined, file(text), { model: 'a/b' })).toThrow(message)
  })
})

test('YAML that is shown can be applied again', () => {
  const definition = {
    system_prompt: 'One.\nTwo: "three"\n',
    name: 'coder',
    max_tool_calls: 30,
    model: 'scripted/demo',
    tools: [{ shell: { workspace: '/srv' } }, 'read_file'],
  }
  const yaml = definitionYaml(definition)
  expect(yaml.split('\n').slice(0, 3)).toEqual(['name: coder', 'model: scripted/demo', 'system_prompt: |'])
  expect(completeDefinition(undefined, file(yaml), { maxToolCalls: 31 }).source).toEqual({
    definition: { ...definition, max_tool_calls: 31 },
  })
})
