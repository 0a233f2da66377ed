import { ReinsError } from '@reins/contracts'
import { describe, expect, test } from 'vitest'
import { projectClient, type WorkflowTypes } from './project-client.ts'

interface Module {
  run(ctx: { readonly payload: { readonly ticket: number } }): Promise<{ readonly at: Date; readonly done: boolean }>
}
interface Support {
  readonly agents: 'ticket' | 'helper'
  readonly workflows: { readonly report: WorkflowTypes<Module> }
}

/** A client whose runs end at the third time that somebody waits for them. */
function server() {
  const asked: unknown[] = []
  let waits = 0
  const run = { runId: 'run_1', workflowName: 'report', project: 'support', startedAt: 1 }
  const client = projectClient<Support>({
    dispatch: async (request) => {
      asked.push(request)
      return { dispatchId: 'm1', acceptedAt: '2026-01-01T00:00:00.000Z' }
    },
    runs: {
      start: async (body) => {
        asked.push(body)
        return { run: { ...run, status: 'active' }, cursor: 'c0' }
      },
      ended: async () => {
        waits += 1
        if (waits < 3) throw new ReinsError('timed_out')
        return { ...run, status: 'completed', result: { at: '2026-01-01T00:00:00.000Z', done: true } }
      },
    },
    sessions: {
      createAndWait: async (body) => {
        asked.push(body)
        return { turn: { id: 't1', status: 'completed', content: 'Hello.' } } as never
      },
    },
  })
  return { asked, client }
}

describe('a client of a project', () => {
  test('runs a workflow with its payload, and waits for its result however often the server stops waiting', async () => {
    const { asked, client } = server()
    const ended = await client.run('report', { ticket: 7 })
    const at: string | undefined = ended.result?.at
    expect([ended.status, at, asked]).toEqual([
      'completed',
      '2026-01-01T00:00:00.000Z',
      [{ workflow: 'report', payload: { ticket: 7 } }],
    ])
  })

  test('prompts and dispatches to the agents that there are', async () => {
    const { asked, client } = server()
    expect((await client.prompt({ agent: 'ticket', id: 't-7', message: 'Hi' })).content).toBe('Hello.')
    await client.dispatch({ agent: 'helper', id: 'ann', input: 1 })
    expect(asked).toEqual([
      { agent: 'ticket', instance: 't-7', message: 'Hi' },
      { agent: 'helper', id: 'ann', input: 1 },
    ])
  })

  test('does not compile with what is not there', () => {
    const { client } = server()
    const wrong = [
      // @ts-expect-error
      () => client.run('repotr', { ticket: 7 }),
      // @ts-expect-error
      () => client.run('report', { ticket: '7' }),
      // @ts-expect-error
      () => client.prompt({ agent: 'nobody', id: 't-7', message: 'Hi' }),
      // @ts-expect-error
      async () => (await client.run('report', { ticket: 7 })).result?.at.getTime(),
    ]
    expect(wrong).toHaveLength(4)
  })
})
