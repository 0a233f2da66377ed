import { expect, it } from 'vitest'
import { placeWithin, workingIn } from './task.ts'
import { folderInMemory } from './workspace-context.ts'

it.each([
  ['/srv/shop', 'docs', 'docs'],
  ['/srv/shop/', './docs//guide/', 'docs/guide'],
  ['/srv/shop', '/srv/shop/docs', 'docs'],
  ['/srv/shop', '/srv/shop', ''],
  ['/', '/docs', 'docs'],
  ['shop', 'shop', 'shop'],
  ['/srv/shop', '.', ''],
  ['/srv/shop', '/srv/shopping', undefined],
  ['/srv/shop', '/etc', undefined],
  ['/srv/shop', '../bank', undefined],
  ['/srv/shop', 'docs/../..', undefined],
  ['/srv/shop', '/srv/shop/../bank', undefined],
  ['/srv/shop', 'a\0b', undefined],
  ['/srv/shop', 'x'.repeat(4_100), undefined],
])('of the folder %s, %s is the place %s', (folder, cwd, place) => {
  expect(placeWithin(folder, cwd)).toBe(place)
})

it.each([
  [['virtual_sandbox'], '/workspace', '/workspace/docs'],
  [[{ virtual_sandbox: {} }], '/workspace', '/workspace/docs'],
  [[{ virtual_sandbox: { workspace: 'desk/' } }], '/workspace/desk', '/workspace/desk/docs'],
  [[{ virtual_sandbox: { workspace: '/in/../out' } }], '/out', '/out/docs'],
  [['shell'], undefined, undefined],
])('the folder in memory of %j is %s, and its place docs is %s', (tools, folder, place) => {
  expect(folderInMemory({ tools })).toBe(folder)
  expect(folderInMemory(workingIn({ tools }, 'docs'))).toBe(place)
})

it('moves the tools of a sandbox to a place of their folder, also those of agents that are written in it, and no others', () => {
  const tools = [{ system_tools: { workspace: '/srv/shop/' } }, { virtual_sandbox: { workspace: '/in' } }, 'grep']
  const reader = { name: 'reader', system_prompt: 'x', tools: [{ shell: { workspace: '/srv/shop', timeout: 5 } }] }
  expect(workingIn({ tools, agents: [reader, 'other'] }, 'docs')).toEqual({
    tools: [{ system_tools: { workspace: '/srv/shop/docs' } }, { virtual_sandbox: { workspace: '/in/docs' } }, 'grep'],
    agents: [{ ...reader, tools: [{ shell: { workspace: '/srv/shop/docs', timeout: 5 } }] }, 'other'],
  })
})
