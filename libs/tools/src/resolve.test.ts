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
      [{ shell: null }, { files: {} }, 'files'],
      ['shell', 'read_file', 'write_file', 'edit_file', 'file_info'],
    ],
  ])('%j', (entries, expected) => {
    expect(names(entries)).toEqual(expected)
  })

  it('gives the defaults', () => {
    expect(resolved(['grep'])[0]?.settings).toEqual({
      workspace: '.',
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
    expect(resolved([{ shell: { blocklist: null, timeout: null } }])[0]?.settings).toEqual(defaultSettings)
  })

  it.each([
    ['shell', '', /must be a list/],
    [['shel'], '[0]', /unknown tool or group "shel"\. Valid: system_tools, shell, files, search, directory, read_file/],
    [['shell', 7], '[1]', /must be the name/],
    [[{ shell: {}, files: {} }], '[0]', /must be the name/],
    [[{ file: './tools.py' }], '[0]', /not available/],
    [[{ shell: 'x' }], '[0].shell', /must be a mapping.*workspace, timeout, max_output_chars, blocklist, network/],
    [[{ shell: { timeot: 1 } }], '[0].shell.timeot', /unknown setting\. Valid: workspace, timeout/],
    [[{ shell: { constructor: 1 } }], '[0].shell.constructor', /unknown setting/],
    [[{ shell: { timeout: '60' } }], '[0].shell.timeout', /seconds/],
    [[{ shell: { timeout: 0 } }], '[0].shell.timeout', /seconds/],
    [[{ shell: { max_output_chars: 10 } }], '[0].shell.max_output_chars', /4000/],
    [[{ shell: { blocklist: ['('] } }], '[0].shell.blocklist', /no regular expression: "\("/],
    [[{ shell: { blocklist: 'sudo' } }], '[0].shell.blocklist', /list/],
    [[{ shell: { network: 'yes' } }], '[0].shell.network', /true or false/],
    [[{ shell: { workspace: '' } }], '[0].shell.workspace', /folder/],
  ])('names what is wrong in %j', (entries, path, message) => {
    expect(problems(entries)).toEqual([{ path, message: expect.stringMatching(message) }])
  })

  it('names all problems at once', () => {
    expect(problems(['x', { shell: { timeout: -1, y: 1 } }]).map((problem) => problem.path)).toEqual([
      '[0]',
      '[1].shell.timeout',
      '[1].shell.y',
    ])
  })
})
