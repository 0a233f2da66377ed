import { readFileSync } from 'node:fs'
import { describe, expect, it } from 'vitest'
import { call, fakeContext, temporaryFolder } from '../../test/fake-context.ts'
import { builtinTools } from '../builtin/builtin.ts'
import { runTool } from './run.ts'
import { toolsTable } from '../tools-table.ts'

describe('runTool', () => {
  it.each([
    ['read_file', {}, /"path" is missing.*Valid: path, offset, limit/],
    ['read_file', { path: 7 }, /"path" must be a text .*, not 7/],
    ['read_file', { path: 'a', offset: -1 }, /"offset" is -1; it must be a whole number of at least 0/],
    ['read_file', { path: 'a', ofset: 1 }, /unknown field "ofset"; did you mean "offset"/],
    ['read_file', null, /the arguments must be a mapping, not null/],
    ['read_file', 'path', /the arguments must be a mapping, not the text "path"/],
    ['shell', { command: '' }, /"command"/],
    ['nope', {}, /unknown tool "nope"\. There are: shell, read_file/],
  ])('answers %s %j with an error that names the field', async (name, args, error) => {
    const { context } = fakeContext(temporaryFolder())
    expect(await call(name, args, context)).toMatchObject({
      status: 'error',
      code: 'invalid-arguments',
      error: expect.stringMatching(error),
    })
  })

  it('takes null for an optional argument as left out', async () => {
    const { context } = fakeContext(temporaryFolder({ a: 'x' }))
    expect(await call('read_file', { path: 'a', offset: null, limit: null }, context)).toMatchObject({ status: 'ok' })
    expect(await call('read_file', { path: null }, context)).toMatchObject({ code: 'invalid-arguments' })
  })

  it('answers for each tool when its workspace is gone, is a file, or lies in a masked folder', async () => {
    const folder = temporaryFolder({ file: '' })
    const args: Readonly<Record<string, unknown>> = {
      shell: { command: 'true' },
      read_file: { path: 'a' },
      write_file: { path: 'a', content: '' },
      edit_file: { path: 'a', old_string: 'a', new_string: 'b' },
      file_info: { path: 'a' },
      find_files: { pattern: '*' },
      grep: { pattern: 'a' },
      list_directory: {},
      directory_tree: {},
    }
    for (const { name } of builtinTools) {
      expect(await call(name, args[name], fakeContext(`${folder}/gone`).context)).toMatchObject({
        code: 'not-found',
        error: 'the workspace: does not exist',
      })
      expect(await call(name, args[name], fakeContext(`${folder}/file`).context)).toMatchObject({
        code: 'failed',
        error: 'the workspace is not a folder',
      })
      expect(await call(name, args[name], fakeContext(folder, { masked: [folder] }).context)).toMatchObject({
        code: 'refused',
      })
    }
  })

  it('begins nothing when it is cancelled already', async () => {
    const { context } = fakeContext(temporaryFolder(), { signal: AbortSignal.abort() })
    expect(await runTool('write_file', { path: 'a', content: '' }, context)).toMatchObject({
      status: 'error',
      code: 'cancelled',
    })
  })
})

describe('the built-in tools', () => {
  it('describe themselves and each of their parameters to the model', () => {
    for (const { name, description, parameters } of builtinTools) {
      expect(description.length, name).toBeGreaterThan(40)
      const schema: unknown = JSON.parse(JSON.stringify(parameters))
      expect(schema, name).toMatchObject({ type: 'object', additionalProperties: false })
      for (const property of Object.values(parameters.properties))
        expect(property, name).toMatchObject({ description: expect.any(String) })
    }
  })

  it('say what may run twice and what they can do', () => {
    const of = (key: 'replay' | 'risk', value: unknown) =>
      builtinTools.filter((tool) => tool[key] === value).map((tool) => tool.name)
    expect(of('replay', 'never')).toEqual(['shell', 'edit_file'])
    expect(of('risk', 'exec')).toEqual(['shell'])
    expect(of('risk', 'write')).toEqual(['write_file', 'edit_file'])
  })

  it('stand in README.md as they are', () => {
    expect(readFileSync(new URL('../../README.md', import.meta.url), 'utf8')).toContain(toolsTable())
  })
})
