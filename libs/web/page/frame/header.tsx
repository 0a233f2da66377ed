// The head of the page: which session, what it used, how it stands, and what can be done with it as a whole.
import { Menu } from '@base-ui/react/menu'
import type { SessionInfo } from '@reins/contracts'
import { type ReactNode, useRef } from 'react'
import { threadOf } from '../model/conversation.ts'
import type { SessionStore, View } from '../model/session-store.ts'
import { plainText } from '../text/plain.ts'
import { amount, dollars } from '../text/words.ts'
import { useCopy } from './use-copy.ts'
import { Icon } from './icons.tsx'
import { titleOf } from './session-list.tsx'

export interface HeaderProps {
  readonly view: View
  readonly store: SessionStore
  readonly agent: string
  /** What opens the list of sessions where there is no room for it. */
  readonly drawer: ReactNode
  ask(what: 'end'): void
}

export function Header({ view, store, agent, drawer, ask }: HeaderProps) {
  const { info, conversation, lost } = view
  const { transcript, model } = threadOf(conversation)
  const title = info ? titleOf(info) : conversation.session === undefined ? `New session with ${agent}` : agent
  return (
    <header className="head">
      {drawer}
      <div className="head-title">
        <h1 title={title}>{title}</h1>
        <p className="faint">
          {[agent, model ?? info?.model]
            .filter(Boolean)
            .map((one) => plainText(String(one)))
            .join(' · ')}
        </p>
      </div>
      <Connection lost={lost} away={view.away} />
      {info ? <Used info={info} /> : null}
      {conversation.session === undefined ? null : (
        <SessionMenu store={store} session={conversation.session} phase={transcript.phase} ask={ask} />
      )}
    </header>
  )
}

function Connection({ lost, away }: { readonly lost: boolean; readonly away: boolean }) {
  const broken = lost || away
  return (
    <p className={`connection${broken ? ' broken' : ''}`} title={broken ? undefined : 'Connected'}>
      <span className="dot" aria-hidden="true" />
      <span className={broken ? '' : 'unseen'}>{broken ? 'Reconnecting' : 'Connected'}</span>
    </p>
  )
}

function Used({ info: { usage, usd, budget } }: { readonly info: SessionInfo }) {
  const tokens = usage.inputTokens + usage.outputTokens
  const limit = budget?.tokens?.limit
  const cost = usd === undefined || usd === 0 ? undefined : dollars(usd)
  const most = budget?.usd?.limit
  return (
    <dl className="used">
      <div>
        <dt>Tokens</dt>
        <dd title={`${usage.inputTokens} in, ${usage.outputTokens} out`}>
          {amount(tokens)}
          {limit === undefined ? '' : ` of ${amount(limit)}`}
        </dd>
      </div>
      {cost === undefined && most === undefined ? null : (
        <div>
          <dt>Cost</dt>
          <dd>
            {cost ?? '$0'}
            {most === undefined ? '' : ` of ${dollars(most)}`}
          </dd>
        </div>
      )}
    </dl>
  )
}

function SessionMenu({
  store,
  session,
  phase,
  ask,
}: {
  readonly store: SessionStore
  readonly session: string
  readonly phase: string
  ask(what: 'end'): void
}) {
  const { copy } = useCopy()
  const place = useRef<HTMLDivElement>(null)
  return (
    <div ref={place}>
      <Menu.Root>
        <Menu.Trigger className="round quiet" aria-label="More about this session">
          <Icon name="more" />
        </Menu.Trigger>
        <Menu.Portal container={place}>
          <Menu.Positioner sideOffset={6} align="end">
            <Menu.Popup className="menu">
              <Menu.Item className="menu-item" onClick={() => copy(`${location.origin}/s/${session}`)}>
                Copy the link
              </Menu.Item>
              <Menu.Item className="menu-item" onClick={() => copy(session)}>
                Copy the session id
              </Menu.Item>
              {phase === 'ended' ? null : (
                <>
                  <Menu.Separator className="menu-line" />
                  {phase === 'paused' || phase === 'quarantined' ? (
                    <Menu.Item
                      className="menu-item"
                      onClick={() => void store.control(phase === 'paused' ? 'resume' : 'release')}
                    >
                      Let it go on
                    </Menu.Item>
                  ) : (
                    <Menu.Item className="menu-item" onClick={() => void store.control('pause')}>
                      Pause
                    </Menu.Item>
                  )}
                  <Menu.Item className="menu-item" onClick={() => void store.control('compact')}>
                    Summarise to make room
                  </Menu.Item>
                  <Menu.Item className="menu-item danger" onClick={() => ask('end')}>
                    End for good…
                  </Menu.Item>
                </>
              )}
            </Menu.Popup>
          </Menu.Positioner>
        </Menu.Portal>
      </Menu.Root>
    </div>
  )
}
