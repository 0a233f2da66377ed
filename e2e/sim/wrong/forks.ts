// Known-wrong rules of forks: what is the other session's is taken for the fork's.
import { type Call, emptyFold, forkFrame, type Session } from '@reins/session'
import { granted, smallForks, tool } from '../scenarios/forks.ts'
import { sound } from '../world/rules.ts'
import { forked } from '../world/world.ts'
import type { WrongRule } from './rules.ts'

const remembering =
  (more: (session: Session) => Partial<Session>) =>
  (session: Session): Session =>
    session.id === forked ? { ...session, ...more(session) } : session

const grant = { grant: 'g2', tool: 'never', call: 'c', by: 'gateway', at: 0 }
/** As the conversation tells of it: its answer asked for it, and a result says that it is unknown. */
const open = ({ transcript }: Session): readonly Call[] =>
  transcript
    .toArray()
    .flatMap((message) =>
      message.role === 'tool' && message.output.includes('(forked)')
        ? [{ call: message.call, name: message.name, arguments: {}, malformed: null, state: { kind: 'due' } }]
        : [],
    )

export const wrongForks: readonly WrongRule[] = [
  {
    name: 'fork-keeps-grants',
    says: 'what a person has let pass in a session passes in its forks too',
    rules: { ...sound, remembers: remembering(() => ({ grants: [grant] })) },
    scenario: granted,
  },
  {
    name: 'fork-runs-open-calls',
    says: 'a call that was open where a session was forked is run again in the fork',
    rules: {
      ...sound,
      remembers: remembering((session) => {
        const calls = open(session)
        const { turn, inbox } = session
        if (calls.length === 0 || turn || inbox.length > 0) return {}
        return {
          turn: {
            ...{
              id: 't2',
              n: 2,
              messages: ['m1'],
              model: null,
              calls,
              modelCalls: 1,
              toolCalls: 1,
              usage: session.usage,
            },
            answered: { call: 'c2', finish: 'tool-calls', final: false },
          },
        }
      }),
    },
    scenario: tool,
  },
  {
    name: 'fork-keeps-messages',
    says: 'a message that waited where a session was forked is answered in the fork too',
    rules: {
      ...sound,
      remembers: remembering(({ inbox }) => ({
        inbox: [{ message: 'm1', content: [{ type: 'text', text: 'm1' }], onBusy: 'queue', n: 1 }, ...inbox],
      })),
    },
    scenario: smallForks[0]!,
  },
  {
    name: 'fork-chains-on-itself',
    says: 'the first frame of a fork names no frame of the session that it was forked from, but begins a chain of its own',
    rules: {
      ...sound,
      forkFrame: (at, request) =>
        forkFrame({ ...at, head: { ...at.head, hash: emptyFold(forked).head.hash } }, request),
    },
    scenario: smallForks[1]!,
  },
]
