// What is accepted resolves: over generated definitions, most of them nearly right.
import { resolveTools } from '@reins/tools'
import fc from 'fast-check'
import { expect, test } from 'vitest'
import { parseDefinition } from './definition-source.ts'

const names = [
  ...['system_tools', 'shell', 'files', 'search', 'directory', 'read_file', 'write_file', 'edit_file', 'file_info'],
  ...['find_files', 'grep', 'list_directory', 'directory_tree', 'shel', 'toString', '__proto__', ''],
]
const name = fc.oneof({ weight: 8, arbitrary: fc.constantFrom(...names) }, fc.string())
const anything = fc.oneof(fc.jsonValue(), fc.string(), fc.double(), fc.constantFrom(null, Number.NaN, Infinity, -0))
const pattern = fc.oneof(
  fc.constantFrom(
    'sudo',
    '(',
    '(?=x)',
    '(?<!a)b',
    '\\1',
    '(?i)RM',
    'a{1001}',
    '[z-a]',
    '\\pN',
    '(?<n>a)',
    '',
    '\\u{61}',
    '*',
  ),
  fc.string({ maxLength: 1_100 }),
)
const settings = fc.record(
  {
    workspace: fc.oneof(fc.constantFrom('.', '/srv', 'a\0b', '', 'é'.repeat(5_000)), fc.string(), anything),
    timeout: fc.oneof(fc.constantFrom(0, 1e-9, 0.5, 86_400, 86_401, Number.NaN), fc.double(), anything),
    max_output_chars: fc.oneof(fc.constantFrom(199, 200, 3_999, 4_000, 1_000_000, 1_000_001), fc.integer(), anything),
    blocklist: fc.oneof(fc.array(pattern, { maxLength: 4 }), fc.constant(Array(201).fill('x')), anything),
    network: fc.oneof(fc.boolean(), anything),
    unknown: anything,
  },
  { requiredKeys: [] },
)
const entry = fc.oneof(
  name,
  fc.dictionary(name, settings, { minKeys: 1, maxKeys: 1 }),
  fc.dictionary(name, fc.oneof(settings, anything), { maxKeys: 3 }),
  anything,
)
const tools = fc.oneof(fc.array(entry, { maxLength: 5 }), fc.constant(Array(101).fill('grep')), anything)

test('a definition that is accepted resolves, and one whose tools resolve is not refused for them', () => {
  let accepted = 0
  fc.assert(
    fc.property(tools, (list) => {
      const parsed = parseDefinition({
        definition: { name: 'a', model: 'scripted/demo', system_prompt: 'x', tools: list },
      })
      const resolved = resolveTools(list)
      if (parsed.kind === 'valid') {
        accepted += 1
        expect(resolveTools(parsed.definition.tools)).toMatchObject({ ok: true })
      } else if (resolved.ok) {
        // Refused for what no stored text may hold, or for the size of the whole.
        expect(parsed.problems.map(({ message }) => message).join()).toMatch(/NUL|lone surrogate|nested|bytes long/)
      }
    }),
    { numRuns: 3_000 },
  )
  expect(accepted).toBeGreaterThan(100)
})

test('settings that are accepted resolve to what was written', () => {
  const good = fc.record(
    {
      workspace: fc.string({ minLength: 1, maxLength: 100 }).filter((text) => !text.includes('\0')),
      timeout: fc.double({ min: 0, minExcluded: true, max: 86_400, noNaN: true }),
      max_output_chars: fc.integer({ min: 4_000, max: 1_000_000 }),
      blocklist: fc.array(fc.constantFrom('sudo', '(?i)rm', '\\bdd\\s'), { maxLength: 5 }),
      network: fc.boolean(),
    },
    { requiredKeys: [] },
  )
  fc.assert(
    fc.property(good, (config) => {
      const definition = { name: 'a', model: 'scripted/demo', system_prompt: 'x', tools: [{ shell: config }] }
      const parsed = parseDefinition({ definition })
      if (parsed.kind === 'invalid') throw new Error(JSON.stringify(parsed.problems))
      const resolved = resolveTools(parsed.definition.tools)
      if (!resolved.ok) throw new Error(JSON.stringify(resolved.problems))
      const [shell] = resolved.tools
      if (config.timeout !== undefined) expect(shell?.settings.timeoutMs).toBe(Math.ceil(config.timeout * 1_000))
      if (config.max_output_chars !== undefined) expect(shell?.settings.maxOutputChars).toBe(config.max_output_chars)
      if (config.blocklist !== undefined) expect(shell?.settings.blocklist).toEqual(config.blocklist)
    }),
  )
})
