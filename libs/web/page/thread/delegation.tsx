// A call that another agent works on: its session as a block inside, to any depth.
import { Collapsible } from '@base-ui/react/collapsible'
import { useState } from 'react'
import { Elapsed } from '../frame/elapsed.tsx'
import { Icon } from '../frame/icons.tsx'
import { type Below, type Conversation, waitingFor } from '../model/conversation.ts'
import type { ToolItem } from '../model/thread.ts'
import { plainText } from '../text/plain.ts'
import { amount, span } from '../text/words.ts'
import { ItemView } from './item-view.tsx'
import { ToolOutput } from './tool-output-view.tsx'

const ends = { completed: 'Done', failed: 'Failed', cancelled: 'Cancelled', paused: 'Paused' } as const

export function Delegation({
  item,
  below: { member, thread },
  conversation,
}: {
  readonly item: ToolItem
  readonly below: Below
  readonly conversation: Conversation
}) {
  const [open, setOpen] = useState(false)
  const { approvals, questions } = waitingFor(conversation)
  const waits = [...approvals, ...questions].some(({ of }) => of?.session === member.session)
  const state = member.end ? ends[member.end.status] : waits ? 'Waits for you' : 'Works'
  const className = member.end ? (member.end.status === 'completed' ? 'ok' : 'odd') : 'runs'
  const tokens = member.inputTokens + member.outputTokens
  return (
    <Collapsible.Root className={`tool delegation ${className}`} open={open} onOpenChange={setOpen}>
      <Collapsible.Trigger className="tool-line">
        <span className="fold" aria-hidden="true">
          <Icon name="chevron" size={14} />
        </span>
        <span className="tool-name">{plainText(member.agent)}</span>
        <span className="tool-subject">
          {plainText(String(item.input.instruction ?? ''))
            .replace(/\s+/g, ' ')
            .slice(0, 200)}
        </span>
        <span className="tool-state">
          <span className="dot" aria-hidden="true" />
          {state} {member.end ? span(member.end.at - member.since) : <Elapsed since={member.since} />}
        </span>
      </Collapsible.Trigger>
      <Collapsible.Panel className="tool-panel nested">
        <p className="faint">
          Agent {plainText(member.agent)}, {amount(tokens)} tokens ·{' '}
          <a href={`/s/${encodeURIComponent(member.session)}`}>open its session</a>
        </p>
        {thread.items.map((one) => (
          <ItemView key={one.key} item={one} session={member.session} conversation={conversation} />
        ))}
        {thread.items.length === 0 && item.output !== '' ? (
          <ToolOutput name={member.agent} output={item.output} />
        ) : null}
      </Collapsible.Panel>
    </Collapsible.Root>
  )
}
