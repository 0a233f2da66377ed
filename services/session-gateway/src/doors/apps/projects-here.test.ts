import type { ProjectEntry } from '@reins/contracts'
import { describe, expect, test } from 'vitest'
import { noteOfPlace, projectOf, type Registered } from './projects-here.ts'

const project = (name: string, agent: string, app = true): ProjectEntry => ({
  ...{ name, version: 1, digest: `sha256-${name}`, size: 1, previous: [], deleted: false },
  ...{ createdAt: 1, updatedAt: 1, by: 'user:admin' },
  manifest: {
    agents: [{ name: agent, file: `src/agents/${agent}.ts`, route: true, websocket: false }],
    ...{ workflows: [], channels: [], app },
  },
})

const here = (...all: ProjectEntry[]): Registered => ({
  projects: () => all,
  project: (name) => all.find((one) => one.name === name),
})

const both = here(project('support', 'clerk'), project('shop', 'seller'))
const of = (registered: Registered, url: string, root?: string) => projectOf(registered, url, root)?.project.name

describe('an address', () => {
  test('is of the only project there is', () => {
    expect(of(here(project('support', 'clerk')), '/webhooks/stripe')).toBe('support')
  })

  test('of an agent is of the project that has the agent, whoever has the rest', () => {
    for (const root of [undefined, 'support', 'shop'])
      expect([of(both, '/agents/clerk/1', root), of(both, '/agents/seller/1?x', root)]).toEqual(['support', 'shop'])
  })

  test('that nobody has by a name is of the project that the operator names', () => {
    expect(of(both, '/webhooks/stripe', 'shop')).toBe('shop')
    expect(of(both, '/agents/nobody/1', 'shop')).toBe('shop')
  })

  test('is of nobody where there are several projects and none is named', () => {
    expect(of(both, '/webhooks/stripe')).toBeUndefined()
  })

  test('is of nobody where the project that is named is not there, also when one project is left', () => {
    expect(of(both, '/webhooks/stripe', 'gone')).toBeUndefined()
    expect(of(here(project('shop', 'seller')), '/webhooks/stripe', 'gone')).toBeUndefined()
  })

  test('below a project is always of that project', () => {
    expect(projectOf(both, '/projects/shop/webhooks/stripe?a=1', 'support')).toMatchObject({
      ...{ project: { name: 'shop' }, url: '/webhooks/stripe?a=1' },
    })
  })

  test.each(['/v1/agents', '/health', '/metrics?x', '/chat'])('of the gateway (%s) is of no project', (url) => {
    expect(of(here(project('support', 'clerk')), url, 'support')).toBeUndefined()
  })
})

describe('whoever deploys a project', () => {
  const notes = (registered: Registered, name: string, root?: string) => {
    const one = registered.project(name)
    return one ? noteOfPlace(registered, one, root) : []
  }

  test('is told nothing where its app has the addresses', () => {
    expect(notes(here(project('support', 'clerk')), 'support')).toEqual([])
    expect(notes(both, 'support', 'support')).toEqual([])
  })

  test('is told where its app answers, and who loses the addresses by it', () => {
    expect(notes(both, 'shop')).toEqual([
      expect.stringContaining('app.ts of shop answer below /projects/shop/'),
      expect.stringContaining('REINS_ROOT_PROJECT=support'),
    ])
    expect(notes(both, 'shop', 'support')).toHaveLength(1)
  })

  test('is told nothing of a project without an app', () => {
    expect(notes(here(project('support', 'clerk', false), project('shop', 'seller', false)), 'shop')).toEqual([])
  })
})
