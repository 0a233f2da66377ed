// One item of a thread.
import { Collapsible } from '@base-ui/react/collapsible'
import { createContext, memo, use, useState } from 'react'
import { Icon } from '../frame/icons.tsx'
import { useCopy } from '../frame/use-copy.ts'
import type { ControlHint } from '@reins/transcript'
import { belowOf, type Conversation } from '../model/conversation.ts'
import type { Verb } from '../model/session-store.ts'
import type { Item, TurnItem } from '../model/thread.ts'
import { plainText } from '../text/plain.ts'
import { amount, dollars, span } from '../text/words.ts'
import { AnswerText } from './answer-text.tsx'
import { Delegation } from './delegation.tsx'
import { PlanView, planTitle } from './plan-view.tsx'
import { ToolCall } from './tool-call.tsx'

/** What a person can do about a notice. */
export const Controls = createContext<(verb: Verb) => void>(() => undefined)

/** Forks the session before a message of a person: to say it otherwise, or to have it answered again. Absent: it cannot be forked. */
export type Fork = (message: string, text: string, how: 'edit' | 'again') => void
export const Forks = createContext<Fork | undefined>(undefined)

export function ItemView({
  item,
  session,
  conversation,
}: {
  readonly item: Item
  readonly session: string
  readonly conversation: Conversation
}) {
  switch (item.kind) {
    case 'message':
      return (
        <Message
          text={item.text}
          note={item.note}
          message={session === conversation.session ? item.message : undefined}
        />
      )
    case 'answer':
      return <AnswerItem text={item.text} open={item.open} />
    case 'reasoning':
      return <Reasoning text={item.text} open={item.open} />
    case 'tool': {
      const below = belowOf(conversation, session, item.call)
      if (below) return <Delegation item={item} below={below} conversation={conversation} />
      const transcript = conversation.threads.get(session)?.transcript
      const waits = [...(transcript?.approvals ?? []), ...(transcript?.questions ?? [])].some(
        ({ call }) => call === item.call,
      )
      return <ToolCall item={item} session={session} waits={waits} />
    }
    case 'plan':
      return (
        <section className="card still" aria-label="Plan">
          <p className="card-title">{planTitle(item.steps)}</p>
          <PlanView steps={item.steps} />
        </section>
      )
    case 'notice':
      return <Notice level={item.level} text={item.text} control={item.control} />
    case 'hint':
      return <p className="notice hint">{plainText(item.text)}</p>
    case 'turn':
      return <Turn item={item} />
    default:
      return item satisfies never
  }
}

const Message = memo(function Message({
  text,
  note,
  message,
}: {
  readonly text: string
  readonly note: string | undefined
  /** Its id, where the session can be forked before it. */
  readonly message: string | undefined
}) {
  const fork = use(Forks)
  return (
    <article className="message" aria-label="You">
      <p>{plainText(text)}</p>
      {note === undefined ? null : <p className="faint">{note}</p>}
      {fork === undefined || message === undefined ? null : (
        <div className="message-acts">
          <button
            type="button"
            className="quiet"
            onClick={() => fork(message, text, 'edit')}
            title="Say it otherwise, in a new session that goes on from here"
          >
            <Icon name="fork" size={14} />
            Edit in a fork
          </button>
          <button
            type="button"
            className="quiet"
            onClick={() => fork(message, text, 'again')}
            title="Have it answered again, in a new session that goes on from here"
          >
            <Icon name="again" size={14} />
            Ask again
          </button>
        </div>
      )}
    </article>
  )
})

const AnswerItem = memo(function AnswerItem({ text, open }: { readonly text: string; readonly open: boolean }) {
  const { copied, copy } = useCopy()
  return (
    <article className={`answer${open ? ' open' : ''}`} aria-label="Answer">
      <AnswerText text={text} open={open} />
      {open ? null : (
        <button type="button" className="quiet copy-answer" onClick={() => copy(text)} aria-label="Copy the answer">
          <Icon name={copied ? 'check' : 'copy'} size={14} />
          {copied ? 'Copied' : 'Copy'}
        </button>
      )}
    </article>
  )
})

const Reasoning = memo(function Reasoning({ text, open }: { readonly text: string; readonly open: boolean }) {
  const [shown, setShown] = useState(false)
  const last = plainText(text).trim().split('\n').at(-1) ?? ''
  return (
    <Collapsible.Root className="reasoning" open={shown} onOpenChange={setShown}>
      <Collapsible.Trigger className="tool-line">
        <span className="fold" aria-hidden="true">
          <Icon name="chevron" size={14} />
        </span>
        <span className="tool-name">{open ? 'Thinking' : 'Thought'}</span>
        <span className="tool-subject">{shown ? '' : last.slice(0, 200)}</span>
      </Collapsible.Trigger>
      <Collapsible.Panel className="thought">{plainText(text)}</Collapsible.Panel>
    </Collapsible.Root>
  )
})

/** Of a session that is paused or in quarantine the foot of the page says what to do, for as long as it is. */
const controls = { restore: 'Undo' } as const

function Notice({
  level,
  text,
  control,
}: {
  readonly level: 'info' | 'warning' | 'error'
  readonly text: string
  readonly control: ControlHint | undefined
}) {
  const act = use(Controls)
  return (
    <div className={`notice ${level}`}>
      <p>{plainText(text)}</p>
      {control !== 'restore' ? null : (
        <button type="button" className="quiet" onClick={() => act(control)}>
          {controls[control]}
        </button>
      )}
    </div>
  )
}

const Turn = memo(function Turn({ item }: { readonly item: TurnItem }) {
  const parts = [
    span(item.ms),
    ...(item.inputTokens + item.outputTokens === 0
      ? []
      : [`${amount(item.inputTokens)} tokens in, ${amount(item.outputTokens)} out`]),
    ...(item.usd === undefined ? [] : [dollars(item.usd)]),
  ]
  return <p className="turn">{parts.join(' · ')}</p>
})
