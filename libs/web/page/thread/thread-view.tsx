// The conversation as a list that scrolls: only what is in sight stands in the page.
//   TV1. Who is at the end stays there while an answer grows; who has scrolled up is not moved, and has a button that leads back.
import { useVirtualizer } from '@tanstack/react-virtual'
import { type ReactNode, useEffect, useMemo, useRef, useState } from 'react'
import { Icon } from '../frame/icons.tsx'
import { type Conversation, threadOf, waitingFor } from '../model/conversation.ts'
import type { Item } from '../model/thread.ts'
import { ItemView } from './item-view.tsx'

type Row = Item | { readonly kind: 'working'; readonly key: string }

/** Pixels from the end at which a reader counts as being there. */
const nearEnd = 48

const guesses: Readonly<Record<Row['kind'], number>> = {
  ...{ message: 76, answer: 160, reasoning: 36, tool: 40, plan: 160, notice: 44, hint: 36, turn: 40, working: 44 },
}

export function ThreadView({
  conversation,
  children,
}: {
  readonly conversation: Conversation
  /** What stands there while nothing was said. */
  readonly children: ReactNode
}) {
  const scroller = useRef<HTMLDivElement>(null)
  const { items, transcript } = threadOf(conversation)
  const rows = useMemo<readonly Row[]>(() => {
    const last = items.at(-1)
    const shows =
      last &&
      ((last.kind === 'tool' && last.running) || ((last.kind === 'answer' || last.kind === 'reasoning') && last.open))
    return transcript.turn && !shows ? [...items, { kind: 'working', key: 'working' }] : items
  }, [items, transcript.turn])
  const { approvals, questions } = waitingFor(conversation)
  const asks = approvals.length + questions.length > 0
  const [atEnd, setAtEnd] = useState(true)
  const virtual = useVirtualizer({
    count: rows.length,
    getScrollElement: () => scroller.current,
    estimateSize: (index) => guesses[rows[index]?.kind ?? 'answer'],
    getItemKey: (index) => rows[index]?.key ?? index,
    overscan: 6,
    anchorTo: 'end',
    followOnAppend: true,
    scrollEndThreshold: nearEnd,
    paddingStart: 24,
    paddingEnd: 24,
    onChange: (instance) => {
      const is = instance.isAtEnd(nearEnd)
      setAtEnd((was) => (was === is ? was : is))
    },
  })

  const { session } = conversation
  const begun = rows.length > 0
  useEffect(() => {
    // A session that is opened begins at its end.
    if (begun && session !== undefined) virtual.scrollToEnd()
  }, [session, begun, virtual])

  // What waits for a person, and a keyboard on a telephone, take room from below: who is at the end stays there.
  const end = useRef(true)
  end.current = atEnd
  useEffect(() => {
    const element = scroller.current
    if (!element) return
    const observer = new ResizeObserver(() => {
      if (end.current) virtual.scrollToEnd()
    })
    observer.observe(element)
    return () => observer.disconnect()
  }, [virtual])

  const shown = virtual.getVirtualItems()
  return (
    <div className="thread-frame">
      {/* biome-ignore lint/a11y/noNoninteractiveTabindex: a region that scrolls has to be reachable by keyboard */}
      <section className="thread" ref={scroller} tabIndex={0} aria-label="Conversation" id="conversation">
        <h2 className="unseen">Conversation</h2>
        {begun ? null : children}
        <div className="rows" style={{ height: virtual.getTotalSize() }}>
          {shown.map(({ index, key, start }) => {
            const row = rows[index]
            if (!row) return null
            return (
              <div
                key={key}
                data-index={index}
                ref={virtual.measureElement}
                className={`row row-${row.kind}`}
                style={{ transform: `translateY(${start}px)` }}
              >
                {row.kind === 'working' ? (
                  <Working
                    what={
                      asks
                        ? 'Waits for you'
                        : transcript.throttledUntil === undefined
                          ? 'Thinking'
                          : 'The model asked to wait'
                    }
                  />
                ) : (
                  <ItemView item={row} session={session ?? ''} conversation={conversation} />
                )}
              </div>
            )
          })}
        </div>
      </section>
      {atEnd || !begun ? null : (
        <button type="button" className="newest" onClick={() => virtual.scrollToEnd({ behavior: smooth() })}>
          <Icon name="down" size={14} /> Jump to newest
        </button>
      )}
    </div>
  )
}

const smooth = (): 'smooth' | 'auto' => (matchMedia('(prefers-reduced-motion: reduce)').matches ? 'auto' : 'smooth')

function Working({ what }: { readonly what: string }) {
  return (
    <p className="working">
      <span className="pulse" aria-hidden="true" />
      {what}
    </p>
  )
}
