// The sessions of the agent: search, and open one by its address.
import type { SessionInfo } from '@reins/contracts'
import { type MouseEvent, useEffect, useId, useSyncExternalStore } from 'react'
import { matching, type SessionsStore } from '../model/sessions-store.ts'
import { plainText } from '../text/plain.ts'
import { ago, plural } from '../text/words.ts'
import { Icon } from './icons.tsx'

export interface SessionListProps {
  readonly store: SessionsStore
  readonly agent: string
  readonly current: string | undefined
  open(session: string | undefined): void
}

export function SessionList({ store, agent, current, open }: SessionListProps) {
  const { sessions, next, loaded, wanted, trouble } = useSyncExternalStore(store.subscribe, store.value)
  const id = useId()
  useEffect(() => {
    void store.refresh()
    const onFocus = () => void store.refresh()
    addEventListener('focus', onFocus)
    return () => removeEventListener('focus', onFocus)
  }, [store])
  const found = matching(sessions, wanted)
  // Who searches means all of them.
  useEffect(() => {
    if (wanted.trim() !== '' && next !== undefined) void store.more()
  }, [store, wanted, next])
  const go = (session: string | undefined) => (event: MouseEvent) => {
    if (event.metaKey || event.ctrlKey || event.shiftKey || event.button !== 0) return
    event.preventDefault()
    open(session)
  }
  return (
    <nav className="sessions" aria-label="Sessions">
      <div className="brand">
        <span className="mark" aria-hidden="true">
          R
        </span>
        <span>
          Reins <span className="faint">{agent}</span>
        </span>
      </div>
      <a className="button new" href="/" onClick={go(undefined)}>
        <Icon name="plus" /> New session
      </a>
      <div className="search">
        <label className="unseen" htmlFor={id}>
          Search sessions
        </label>
        <Icon name="search" size={14} />
        <input
          id={id}
          type="search"
          value={wanted}
          placeholder="Search"
          autoComplete="off"
          onChange={(event) => store.search(event.target.value)}
        />
      </div>
      <ul>
        {found.map((session) => (
          <li key={session.id}>
            <a
              href={`/s/${session.id}`}
              onClick={go(session.id)}
              aria-current={session.id === current ? 'page' : undefined}
            >
              <span className="session-title">{titleOf(session)}</span>
              <span className="session-state">
                {stateOf(session)}
                <span className="when">{ago(session.lastActivityAt, Date.now())}</span>
              </span>
            </a>
          </li>
        ))}
      </ul>
      {found.length === 0 && loaded ? (
        <p className="faint nothing">
          {trouble
            ? `${trouble.text} ${trouble.next ?? ''}`
            : wanted === ''
              ? 'No session yet.'
              : 'No session has these words.'}
        </p>
      ) : null}
      {next === undefined || wanted !== '' ? null : (
        <button type="button" className="quiet" onClick={() => void store.more()}>
          Older sessions
        </button>
      )}
    </nav>
  )
}

export const titleOf = ({ title, id }: SessionInfo): string =>
  title === undefined || title.trim() === '' ? `Session ${id.slice(0, 10)}` : plainText(title)

function stateOf({ status, unreadable, waiting = [], turns }: SessionInfo) {
  if (unreadable)
    return (
      <span className="state quarantined">
        <span className="dot" aria-hidden="true" /> Cannot be read
      </span>
    )
  if (waiting.length > 0)
    return (
      <span className="state asks">
        <span className="dot" aria-hidden="true" /> Waits for you
      </span>
    )
  const words: Readonly<Record<string, string>> = {
    running: 'Works',
    waiting: 'Works',
    paused: 'Paused',
    quarantined: 'In quarantine',
    ended: 'Ended',
  }
  const word = words[status]
  return (
    <span className={`state ${status === 'waiting' ? 'running' : status}`}>
      {word === undefined ? null : <span className="dot" aria-hidden="true" />} {word ?? plural(turns, 'turn')}
    </span>
  )
}
