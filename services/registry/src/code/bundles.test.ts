import {
  type AgentDefinition,
  bundleDigest,
  type CodeFile,
  type CodeTool,
  ReinsError,
  type SentFile,
} from '@reins/contracts'
import { describe, expect, test } from 'vitest'
import { parseDefinition } from '../definition/definition-source.ts'
import type { RegistryLog } from '../registry-log.ts'
import { type BundleDescription, Bundles } from './bundles.ts'

const tool = (name: string): CodeTool => ({
  ...{ name, description: 'Does it.', parameters: { type: 'object' }, risk: 'read', replay: 'safe' },
})
const digestOf = (text: string) => bundleDigest(Buffer.from(text))

/** Code in these tests is a list of names, or what is wrong with it. */
function loaded(text: string): BundleDescription {
  if (text.startsWith('wrong'))
    return { kind: 'problems', problems: [{ export: 'x', message: 'needs a "description"' }] }
  return { kind: 'tools', tools: text.split(' ').map(tool) }
}

function world() {
  const records = new Map<string, unknown>()
  const order: string[] = []
  const log: Pick<RegistryLog, 'last' | 'write'> = {
    last: async (kind, name) => {
      const value = records.get(`${kind} ${name}`)
      return value === undefined ? undefined : { seq: 1, id: 'r', value }
    },
    write: async (kind, name, value) => {
      if (records.has(`${kind} ${name}`)) return { kind: 'refused' }
      order.push(`${kind} ${name}`)
      records.set(`${kind} ${name}`, value)
      return { kind: 'written', seq: 1 }
    },
  }
  const loads: string[] = []
  let full: ReinsError | undefined
  const bundles = new Bundles({
    log,
    full: () => full,
    store: { put: async (digest) => void order.push(`bytes ${digest}`) },
    describe: async ({ file, text }) => {
      loads.push(file)
      return loaded(text)
    },
  })
  const resolve = (
    yaml: string,
    files: readonly SentFile[] = [],
    more: { mayRegister?: boolean; current?: AgentDefinition } = {},
  ) => {
    const parsed = parseDefinition({ yaml: `name: a\nmodel: x/y\nsystem_prompt: z\n${yaml}` })
    if (parsed.kind === 'invalid') throw new Error(JSON.stringify(parsed.problems))
    return bundles.resolve({ mayRegister: true, current: undefined, ...parsed, files, ...more })
  }
  const problems = async (...asked: Parameters<typeof resolve>): Promise<readonly string[]> => {
    const resolved = await resolve(...asked)
    if (resolved.kind === 'resolved') return []
    return resolved.problems.map(
      ({ path, message, line }) => `${line === undefined ? '' : `${line}: `}${path} ${message}`,
    )
  }
  /** Resolved, kept, and given as it is stored. */
  const put = async (...asked: Parameters<typeof resolve>): Promise<AgentDefinition> => {
    const resolved = await resolve(...asked)
    if (resolved.kind === 'problems') throw new Error(JSON.stringify(resolved.problems))
    await bundles.keep(resolved.fresh, 'ann', 5)
    return resolved.definition
  }
  const fill = (error: ReinsError): void => {
    full = error
  }
  return { resolve, problems, put, order, loads, fill }
}

const sent = (file: string, text: string): SentFile => ({ file, text })

describe('a file that is named with its contents', () => {
  test('is stored as its path, digest, size and tools; in tools_file and in tools alike', async () => {
    const { put } = world()
    const stored = (file: string, text: string): CodeFile => ({
      ...{ file, digest: digestOf(text), size: text.length, tools: text.split(' ').map(tool) },
    })
    expect(
      await put('tools_file: ./a.ts\ntools:\n  - shell\n  - file: ./b.ts\n    network: true\n', [
        sent('./a.ts', 'add sub'),
        { file: './b.ts', base64: Buffer.from('mul').toString('base64') },
      ]),
    ).toMatchObject({
      tools_file: stored('./a.ts', 'add sub'),
      tools: ['shell', { ...stored('./b.ts', 'mul'), network: true }],
    })
    expect(
      (await put('tools_file: [./a.ts, ./b.ts]', [sent('./a.ts', 'add'), sent('./b.ts', 'mul')])).tools_file,
    ).toEqual([stored('./a.ts', 'add'), stored('./b.ts', 'mul')])
  })
  test('is kept before its record; the same contents are loaded and kept once', async () => {
    const { put, order, loads } = world()
    await put('tools_file: ./a.ts', [sent('./a.ts', 'add')])
    const digest = digestOf('add')
    expect(order).toEqual([`bytes ${digest}`, `bundle ${digest}`])
    await put('tools_file: ./moved.ts', [sent('./moved.ts', 'add')])
    expect([order.length, loads]).toEqual([2, ['./a.ts']])
  })
  test('that is wrong is said with the line that names it, and nothing is kept', async () => {
    const { problems, order } = world()
    expect(await problems('tools:\n  - shell\n  - file: ./a.ts\n', [sent('./a.ts', 'wrong')])).toEqual([
      '6: tools[1] (./a.ts, export x) needs a "description"',
    ])
    expect(order).toEqual([])
  })
})

describe('while the disk has no room for new things', () => {
  test('new code is refused before it is loaded; code that is kept can be sent and named as ever', async () => {
    const { put, resolve, loads, fill } = world()
    const stored = await put('tools_file: ./a.ts', [sent('./a.ts', 'add')])
    fill(new ReinsError('storage_full', 'The disk is 93 % full.'))
    await expect(resolve('tools_file: ./b.ts', [sent('./b.ts', 'mul')])).rejects.toMatchObject({ code: 'storage_full' })
    expect(loads).toEqual(['./a.ts'])
    expect(await put('tools_file: ./a.ts', [sent('./a.ts', 'add')])).toEqual(stored)
    expect(await put(`tools_file: ${JSON.stringify(stored.tools_file)}`)).toEqual(stored)
  })
})

describe('a file that is named without its contents', () => {
  test('is refused, and the way out is said', async () => {
    const [problem] = await world().problems('tools_file: ./a.ts')
    expect(problem).toContain('4: tools_file names the file ./a.ts, and its contents did not come with the request.')
    expect(problem).toContain('reins agent apply')
  })
  test('of another language is refused with the form that tools have', async () => {
    const [problem] = await world().problems('tools_file: ./a.py', [sent('./a.py', 'add')])
    expect(problem).toContain('is a Python file, and tools are written in TypeScript')
    expect(problem).toContain('export const add = defineTool({')
    expect((await world().problems('tools_file: ./tools'))[0]).toContain('its name must end in .ts, ')
  })
})

describe('a text that names a digest', () => {
  const named = (digest: string, more = '') => `tools_file:\n  file: ./a.ts\n  digest: ${digest}\n${more}`
  test('means the stored copy, whoever reads the text and where; so what was shown can be applied', async () => {
    const { put, loads } = world()
    const first = await put('tools_file: ./a.ts', [sent('./a.ts', 'add')])
    const digest = digestOf('add')
    for (const text of [
      named(digest),
      named(digest, '  size: 3\n'),
      `tools_file: ${JSON.stringify(first.tools_file)}\n`,
    ])
      expect(await put(text)).toEqual(first)
    expect(loads).toEqual(['./a.ts'])
  })
  test('that is not stored here is refused, unless the contents come with it', async () => {
    const { problems, put } = world()
    expect((await problems(named(digestOf('add'))))[0]).toContain('no such bundle is stored here')
    await put(named(digestOf('add')), [sent('./a.ts', 'add')])
  })
  test('and says something else than what is stored is refused', async () => {
    const { put, problems } = world()
    await put('tools_file: ./a.ts', [sent('./a.ts', 'add')])
    const digest = digestOf('add')
    expect(await problems(named(digest, '  size: 4\n'))).toEqual([
      '5: tools_file (./a.ts) says that its size is 4; it is 3',
    ])
    expect((await problems(named(digest, `  tools: ${JSON.stringify([tool('mul')])}\n`)))[0]).toContain(
      'has other "tools"',
    )
    expect((await problems(named(digest), [sent('./a.ts', 'mul')]))[0]).toContain('the contents that came with it have')
  })
})

describe('one name is one tool', () => {
  test('also against the built-in ones, and both places are named', async () => {
    const { problems } = world()
    expect(await problems('tools:\n  - search\n  - file: ./a.ts\n', [sent('./a.ts', 'grep')])).toEqual([
      '6: tools[1] (./a.ts) has a tool "grep", and so has tools[0] on line 5 (search): rename one, or leave one out',
    ])
    expect(
      await problems('tools_file: ./a.ts\ntools:\n  - file: ./b.ts\n', [
        sent('./a.ts', 'add'),
        sent('./b.ts', 'mul add'),
      ]),
    ).toEqual([
      '6: tools[0] (./b.ts) has a tool "add", and so has tools_file on line 4 (./a.ts): rename one, or leave one out',
    ])
    expect((await problems('tools_file: ./a.ts', [sent('./a.ts', 'mcp__x__y')]))[0]).toContain('tools of MCP servers')
  })
})

describe('code that the agent does not have yet', () => {
  test('needs the permission to register it, whether it is sent or named; what it has needs none', async () => {
    const { put, resolve } = world()
    const current = await put('tools_file: ./a.ts', [sent('./a.ts', 'add')])
    const text = `tools_file:\n  file: ./a.ts\n  digest: ${digestOf('add')}\n`
    expect(await resolve(text, [], { mayRegister: false, current })).toMatchObject({ kind: 'resolved' })
    for (const refused of [
      resolve(text, [], { mayRegister: false }),
      resolve('tools_file: ./a.ts', [sent('./a.ts', 'add')], { mayRegister: false, current }),
    ])
      await expect(refused).rejects.toMatchObject({
        code: 'forbidden',
        message: expect.stringContaining('permission workflow:*:*:register'),
      })
  })

  test('needs it for the network too, where the code had none', async () => {
    const { put, resolve } = world()
    const stored = `tools:\n  - file: ./a.ts\n    digest: ${digestOf('add')}\n`
    const closed = await put('tools: [{file: ./a.ts}]', [sent('./a.ts', 'add')])
    const opened = await put('tools: [{file: ./a.ts, network: true}]', [sent('./a.ts', 'add')])
    const reaching = `${stored}    network: true\n`
    expect(await resolve(reaching, [], { mayRegister: true, current: closed })).toMatchObject({ kind: 'resolved' })
    expect(await resolve(reaching, [], { mayRegister: false, current: opened })).toMatchObject({ kind: 'resolved' })
    expect(await resolve(stored, [], { mayRegister: false, current: opened })).toMatchObject({ kind: 'resolved' })
    await expect(resolve(reaching, [], { mayRegister: false, current: closed })).rejects.toMatchObject({
      code: 'forbidden',
      message:
        'tools[0] (./a.ts) opens the network for code that had none. That needs the permission workflow:*:*:register.',
    })
  })
})

describe('a folder of skills', () => {
  const text = JSON.stringify({
    format: 'reins-skills/1',
    skills: { pdf: { 'SKILL.md': { text: '---\nname: pdf\ndescription: Fills forms.\n---\nSteps.\n' } } },
  })
  const files = [{ file: './skills', text }]

  test('is kept before its record, and no code of it is loaded', async () => {
    const { put, order, loads } = world()
    const { skills_dir } = await put('skills_dir: ./skills', files)
    expect(skills_dir).toEqual({
      ...{ dir: './skills', digest: digestOf(text), size: text.length },
      skills: [{ name: 'pdf', description: 'Fills forms.' }],
    })
    expect(order).toEqual([`bytes ${digestOf(text)}`, `bundle ${digestOf(text)}`])
    expect(loads).toEqual([])
  })

  test('that the agent does not have yet needs the permission to register it', async () => {
    const { put, resolve } = world()
    const current = await put('skills_dir: ./skills', files)
    const named = `skills_dir:\n  dir: ./skills\n  digest: ${digestOf(text)}\n`
    expect(await resolve(named, [], { mayRegister: false, current })).toMatchObject({ kind: 'resolved' })
    for (const refused of [
      resolve(named, [], { mayRegister: false }),
      resolve('skills_dir: ./skills', files, { mayRegister: false, current }),
    ])
      await expect(refused).rejects.toMatchObject({
        code: 'forbidden',
        message: expect.stringContaining('permission workflow:*:*:register'),
      })
  })

  test("of an agent that is written in place is kept as its parent's is", async () => {
    const { put, resolve, problems } = world()
    const inline = (more: string) =>
      `agents:\n  - name: clerk\n    description: d\n    system_prompt: x\n    skills_dir: ${more}\n`
    const current = await put(inline('./skills'), files)
    expect(current.agents).toMatchObject([{ skills_dir: { dir: './skills', digest: digestOf(text) } }])
    expect(await problems(inline('./other'))).toEqual([
      expect.stringContaining('agents[0].skills_dir names the folder ./other, and its contents did not come'),
    ])
    const stored = `{dir: ./skills, digest: ${digestOf(text)}}`
    expect(await resolve(inline(stored), [], { mayRegister: false, current })).toMatchObject({ kind: 'resolved' })
    await expect(resolve(inline(stored), [], { mayRegister: false })).rejects.toMatchObject({
      message: expect.stringContaining('agents[0].skills_dir (./skills) gives'),
    })
  })

  test('is no code, and code is no folder of skills', async () => {
    const { put, problems } = world()
    await put('skills_dir: ./skills', files)
    await put('tools_file: ./a.ts', [sent('./a.ts', 'add')])
    expect(await problems(`tools_file:\n  file: ./x.ts\n  digest: ${digestOf(text)}\n`)).toEqual([
      expect.stringContaining('names a digest of skills'),
    ])
    expect(await problems(`skills_dir:\n  dir: ./x\n  digest: ${digestOf('add')}\n`)).toEqual([
      expect.stringContaining('names the digest of code'),
    ])
  })

  test('has the names of its two tools for itself', async () => {
    const { problems } = world()
    expect(await problems('skills_dir: ./skills\ntools_file: ./a.ts', [...files, sent('./a.ts', 'use_skill')])).toEqual(
      [expect.stringContaining('has a tool "use_skill", and so has skills_dir')],
    )
  })
})

describe('contents', () => {
  test.each<[string, SentFile[], string]>([
    ['nothing', [{ file: './a.ts' }], 'files[0] (./a.ts) needs its contents once'],
    ['both forms', [{ file: './a.ts', text: 'x', base64: 'eA==' }], 'files[0] (./a.ts) needs its contents once'],
    ['no base64', [{ file: './a.ts', base64: 'e' }], 'has contents that are no base64'],
    ['no text', [{ file: './a.ts', base64: '/w==' }], 'is no text in UTF-8'],
    ['emptiness', [sent('./a.ts', '')], 'is empty'],
    ['too much', [sent('./a.ts', 'x'.repeat(4 * 1024 * 1024 + 1))], 'at most 4194304 are allowed'],
    ['the same file twice', [sent('./a.ts', 'x'), sent('./a.ts', 'y')], 'files[1] (./a.ts) stands twice'],
    ['a file that nothing names', [sent('./a.ts', 'x'), sent('./b.ts', 'y')], 'files hold "./b.ts"'],
  ])('of %s are refused', async (_what, files, message) => {
    expect((await world().problems('tools_file: ./a.ts', files)).join('\n')).toContain(message)
  })
  test('of files that are too large together are refused', async () => {
    const big = (file: string) => sent(file, `${file}${'x'.repeat(3 * 1024 * 1024)}`)
    const files = ['./a.ts', './b.ts', './c.ts'].map(big)
    expect((await world().problems('tools_file: [./a.ts, ./b.ts, ./c.ts]', files)).join()).toContain('bytes together')
  })
})
