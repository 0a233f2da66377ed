// What the tools of a turn may be called for: the permissions of whoever sent its messages, as the gateway recorded them with each message.
//   PT1. Nothing is looked up when a call is decided about: what was recorded counts, so a replay decides the same.
//   PT2. A turn that takes in messages of several people may call what all of them may.
//   PT3. A delegation hands on what its turn may: nothing is called below that might not be called above.
//   PT4. What a workflow calls, it calls for whoever resumed it last, or began it.
import type { EventOf, SessionEvent } from '@reins/contracts'
import type { Queued, Session, Turn } from '../session.ts'
import type { Meanings, RouteRule } from '../slice.ts'

/** Absent where it stands: every tool. */
export interface Permitted {
  readonly principal: string
  readonly tools: readonly string[]
}

export const permittedEvents: Meanings<'tools.permitted'> = {
  'tools.permitted': { effective: true, evolve: permitted },
}

function permitted(session: Session, { data }: EventOf<'tools.permitted'>): Session {
  const { message, principal, tools } = data
  if (message === undefined) return session.permitted ? session : { ...session, permitted: { principal, tools } }
  const queued = session.inbox.find((one) => one.message === message)
  if (!queued || queued.permitted) return session
  const marked = { ...queued, permitted: { principal, tools } }
  return { ...session, inbox: session.inbox.map((one) => (one === queued ? marked : one)) }
}

/** PT2: of a turn that takes in these messages. */
export function permittedOf(messages: readonly Queued[], before?: Permitted): { readonly permitted?: Permitted } {
  const all = [...(before ? [before] : []), ...messages.flatMap((one) => one.permitted ?? [])]
  const [first, ...others] = all
  if (!first) return {}
  const common = others.reduce<Permitted>(
    (so, { principal, tools }) => ({
      principal: so.principal === principal ? principal : `${so.principal}, ${principal}`.slice(0, 300),
      tools: so.tools.filter((tool) => tools.includes(tool)),
    }),
    first,
  )
  return { permitted: common }
}

/** PT4: the message resumes the workflow. */
export function resumedBy(session: Session, { permitted: may }: Queued): Session {
  const { permitted: _before, ...rest } = session
  return may ? { ...rest, permitted: may } : rest
}

/** PT3. Without a message: to a workflow. */
export function handedOn(turn: Pick<Turn, 'permitted'> | null, message?: string): readonly SessionEvent[] {
  if (!turn?.permitted) return []
  const { principal, tools } = turn.permitted
  const data = { ...(message === undefined ? {} : { message }), principal, tools: [...tools] }
  return [{ type: 'tools.permitted', data }]
}

/** PT1. */
export const permittedRoute: RouteRule = ({ name }, { permitted: may }) =>
  !may || may.tools.includes(name)
    ? null
    : {
        kind: 'settled',
        status: 'error',
        code: 'not-permitted',
        output: `Not run: ${may.principal}, for whom this turn works, has no permission workflow:agents:agent_chat:task:${name}:execute. Do not try ${name} again in this turn. Go on without it, or tell the person what is missing.`,
      }
