import { ReinsError, type SessionInfo, type SessionUpgraded } from '@reins/contracts'
import { expect, test } from 'vitest'
import { DevSessions } from './dev-sessions.ts'

const came = (upgraded: boolean): SessionUpgraded => ({
  ...{ id: 's', status: 'idle' as const, upgraded, from: { digest: 'a' }, to: { digest: 'b' } },
  ...{ changes: [], breaks: [], obstacles: [], cursor: 'c' },
})

/** Sessions by agent; `keeps`: those that cannot be upgraded. */
function server(all: Readonly<Record<string, readonly (readonly [string, SessionInfo['status']])[]>>, keeps: string[]) {
  const asked: string[] = []
  const sessions = new DevSessions({
    sessions: {
      list: async ({ agent = '' } = {}) => ({
        sessions: (all[agent] ?? []).map(([id, status]) => ({ id, status }) as SessionInfo),
      }),
      upgrade: async (id) => {
        asked.push(id)
        if (keeps.includes(id))
          throw new ReinsError('session_conflict', 'The tool strike is gone.', { next: 'Force it.' })
        return came(id !== 'same')
      },
    },
  })
  return { asked, follow: () => sessions.follow([{ name: 'desk' }, { name: 'more' }]) }
}

test('sessions that have not ended are upgraded, and it is said how many have changed', async () => {
  const { asked, follow } = server(
    {
      desk: [
        ['one', 'idle'],
        ['over', 'ended'],
        ['same', 'waiting'],
      ],
      more: [['two', 'running']],
    },
    [],
  )
  expect(await follow()).toEqual(['2 sessions go on with it from the next turn.'])
  expect(asked).toEqual(['one', 'same', 'two'])
})

test('why a session keeps its build is said once', async () => {
  const { follow } = server(
    {
      desk: [
        ['kept', 'idle'],
        ['same', 'idle'],
      ],
    },
    ['kept'],
  )
  expect(await follow()).toEqual([
    expect.stringContaining('The session kept keeps its build: The tool strike is gone.'),
  ])
  expect(await follow()).toEqual([])
})
