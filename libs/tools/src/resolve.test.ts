import { describe, expect, it } from 'vitest'
import { defaultBlocklist, defaultSettings, resolveTools } from './resolve.ts'

const resolved = (entries: unknown) => {
  const result = resolveTools(entries)
  if (!result.ok) throw new Error(JSON.stringify(result.problems))
  return result.tools
}
const names = (entries: unknown) => resolved(entries).map((tool) => tool.definition.name)
const problems = (entries: unknown) => {
  const result = resolveTools(entries)
  return result.ok ? [] : result.problems
}

const all = [
  'shell',
  'read_file',
  'write_file',
  'edit_file',
  'file_info',
  'find_files',
  'grep',
  'list_directory',
  'directory_tree',
]

describe('resolveTools', () => {
  it.each([
    [[], []],
    [['system_tools'], all],
    [['shell'], ['shell']],
    [['files'], ['read_file', 'write_file', 'edit_file', 'file_info']],
    [['search'], ['find_files', 'grep']],
    [['directory'], ['list_directory', 'directory_tree']],
    [
      ['grep', 'read_file'],
      ['read_file', 'grep'],
    ],
    [
      [{ shell: {} }, { files: {} }, 'files'],
      ['shell', 'read_file', 'write_file', 'edit_file', 'file_info'],
    ],
  ])('%j', (entries, expected) => {
    expect(names(entries)).toEqual(expected)
  })

  it('gives the defaults', () => {
    expect(resolved(['grep'])[0]?.settings).toEqual({
      workspace: null,
      timeoutMs: 30_000,
      maxOutputChars: 100_000,
      blocklist: defaultBlocklist,
      network: false,
    })
  })

  it('reads settings, and lets a later entry replace an earlier one', () => {
    const tools = resolved([
      {
        system_tools: {
          workspace: '/home/user/project',
          timeout: 60,
          max_output_chars: 200_000,
          blocklist: ['rm -rf', 'sudo'],
          network: true,
        },
      },
      { shell: { workspace: '/other', timeout: 0.5, blocklist: [] } },
    ])
    expect(tools[0]?.settings).toEqual({
      workspace: '/other',
      timeoutMs: 500,
      maxOutputChars: 100_000,
      blocklist: [],
      network: false,
    })
    expect(tools[1]?.settings).toEqual({
      workspace: '/home/user/project',
      timeoutMs: 60_000,
      maxOutputChars: 200_000,
      blocklist: ['rm -rf', 'sudo'],
      network: true,
    })
    expect(resolved([{ shell: {} }])[0]?.settings).toEqual(defaultSettings)
  })

  it.each([
    ['shell', '', /must be a list of tools, not the text "shell"/],
    [
      ['shel'],
      '[0]',
      /no tool or group "shel"; did you mean "shell"\?; groups: system_tools, shell, files, search, directory, virtual_sandbox; tools: read_file/,
    ],
    [['shell', 7], '[1]', /must be the name/],
    [[{}], '[0]', /must be the name/],
    [[{ shell: {}, files: {} }], '[0]', /has 2 names \("shell", "files"\): give each an entry of its own/],
    [[{ shell: 'x' }], '[0].shell', /must be a mapping, not the text "x"/],
    [[{ shell: null }], '[0].shell', /has no settings: write "- shell"/],
    [[{ shell: { timeot: 1 } }], '[0].shell.timeot', /unknown field "timeot"; did you mean "timeout"/],
    [[{ shell: { constructor: 1 } }], '[0].shell.constructor', /unknown field/],
    [[{ shell: { timeout: null } }], '[0].shell.timeout', /has no value/],
    [[{ shell: { timeout: '60' } }], '[0].shell.timeout', /must be a number above 0, at most 86400/],
    [[{ shell: { timeout: 0 } }], '[0].shell.timeout', /above 0/],
    [[{ shell: { max_output_chars: 3_999 } }], '[0].shell.max_output_chars', /from 4000 to 1000000/],
    [[{ shell: { blocklist: ['ok', '('] } }], '[0].shell.blocklist[1]', /"\(" is no regular expression/],
    [[{ shell: { blocklist: ['(?=x)'] } }], '[0].shell.blocklist[0]', /no lookaround/],
    [[{ shell: { blocklist: 'sudo' } }], '[0].shell.blocklist', /must be a list/],
    [[{ shell: { network: 'yes' } }], '[0].shell.network', /true or false/],
    [[{ shell: { workspace: '' } }], '[0].shell.workspace', /folder/],
    [Array(101).fill('shell'), '', /has 101 entries; at most 100/],
  ])('names what is wrong in %j', (entries, path, message) => {
    expect(problems(entries)).toMatchObject([{ path, message: expect.stringMatching(message) }])
  })

  it('names all problems at once', () => {
    expect(problems(['x', { shell: { timeout: -1, y: 1 } }]).map((problem) => problem.path)).toEqual([
      '[0]',
      '[1].shell.timeout',
      '[1].shell.y',
    ])
  })
})
