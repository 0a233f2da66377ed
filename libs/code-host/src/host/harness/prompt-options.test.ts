import { expect, test } from 'vitest'
import type { RunOperations } from '../replay/flow.ts'
import { harnessOf } from './harness.ts'

interface Session {
  prompt(text: string, options?: object): Promise<{ readonly text: string; readonly model: string }>
  task(text: string, options?: object): Promise<unknown>
  tool(name: string, args?: object): Promise<unknown>
  skill(skill: unknown, options?: object): Promise<unknown>
  compact(): Promise<unknown>
}

async function opened(needsModel = false) {
  const asked: { readonly name: string; readonly more: Readonly<Record<string, unknown>> }[] = []
  const operations = {
    ask: async (_: string, name: string, more: Readonly<Record<string, unknown>>) => {
      asked.push({ name, more })
      return { text: 'said', data: {}, usage: {}, model: more.model ?? 'own/model' }
    },
    compact: async (name: string) => ({ compacted: name }),
  } as unknown as RunOperations
  const harness = harnessOf('default', 'a', needsModel, 1000, operations) as {
    session(name?: string): Promise<Session>
  }
  return { asked, harness, session: await harness.session() }
}

test('a prompt says which model and which effort answer it, where that is not what the agent says', async () => {
  const { asked, session } = await opened()
  await session.prompt('one')
  await session.prompt('two', { model: 'other/model', thinkingLevel: 'high' })
  await session.task('three', { model: 'other/model' })
  expect(asked.map(({ more: { model, thinkingLevel } }) => [model, thinkingLevel])).toEqual([
    [undefined, undefined],
    ['other/model', 'high'],
    ['other/model', undefined],
  ])
})

test('an agent without a model is prompted by none but a named one; a call of a tool asks no model', async () => {
  const { asked, session } = await opened(true)
  await expect(session.prompt('one')).rejects.toThrow('each prompt names its model')
  await session.prompt('two', { model: 'some/model' })
  await session.tool('grep', {})
  expect(asked.map(({ more }) => more.model)).toEqual(['some/model', 'none/no-model-is-asked'])
})

test.each([
  [{ images: 'a.png' }, '"images" of a prompt is a list such as'],
  [{ images: [{ type: 'image', mimeType: 'image/png', data: 'R0lGODlh' }] }, 'its bytes are those of image/gif'],
  [{ agent: 'helper' }, 'await session.tool("delegate"'],
  [{ cwd: 'sub' }, 'make one with this cwd'],
  [{ temperature: 1 }, '"temperature" is no option of a prompt in a workflow. It takes'],
  [{ model: 'no provider' }, '"model" of a prompt'],
  [{ thinkingLevel: 'deep' }, 'one of off, minimal'],
  [{ signal: AbortSignal.abort(new Error('no more')) }, 'no more'],
])('%o is refused before anything is asked', async (options, why) => {
  const { asked, session } = await opened()
  await expect(session.prompt('one', options)).rejects.toThrow(why)
  expect(asked).toEqual([])
})

test('tools of a prompt are refused where the project was built with a @reins/agent that knows none', async () => {
  // Other tests of this process may have loaded the one of today.
  const marker = Symbol.for('reins.schemas')
  const known = Object.getOwnPropertyDescriptor(globalThis, marker)
  Object.defineProperty(globalThis, marker, { value: {}, configurable: true })
  try {
    const { asked, session } = await opened()
    await expect(session.prompt('one', { tools: [] })).rejects.toThrow('build it with this Reins, and deploy it again')
    expect(asked).toEqual([])
  } finally {
    Reflect.deleteProperty(globalThis, marker)
    if (known) Object.defineProperty(globalThis, marker, known)
  }
})

test('images go with the prompt, the skill or the task that shows them', async () => {
  const { asked, session } = await opened()
  const images = [{ type: 'image', mimeType: 'image/gif', data: 'R0lGODlh' }]
  await session.prompt('one', { images })
  await session.skill('review', { images })
  await session.task('two', { images })
  await session.prompt('three', { images: [] })
  expect(asked.map(({ more }) => more.images)).toEqual([images, images, images, undefined])
})

test('a session is compacted by the names of its harness and its own', async () => {
  expect(await (await opened()).session.compact()).toEqual({ compacted: 'default/default' })
})

test('a skill is asked for by its name or as it was imported, with its arguments', async () => {
  const { asked, session } = await opened()
  await session.skill({ name: 'review' }, { args: { file: 'a.ts' } })
  await session.skill('review')
  expect(asked.map(({ more }) => more.message)).toEqual([
    expect.stringMatching(/^Use the skill "review"\.[\s\S]*"file": "a\.ts"/),
    'Use the skill "review".',
  ])
  await expect(session.skill({})).rejects.toThrow('takes a skill that was imported')
})

test.each([
  ['task:1', 'are those of tasks'],
  ['', 'takes a name'],
])('a session has not the name "%s"', async (name, why) => {
  await expect((await opened()).harness.session(name)).rejects.toThrow(why)
})
