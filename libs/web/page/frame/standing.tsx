// How the session stands where that is not as usual, in words, with what to do: lost, served by nobody, paused, in quarantine, its budget used up, an error.
import type { RaiseBudget, SessionInfo } from '@reins/contracts'
import { type FormEvent, useId, useState } from 'react'
import { threadOf } from '../model/conversation.ts'
import type { SessionStore, View } from '../model/session-store.ts'
import { plainText } from '../text/plain.ts'
import { amount, dollars, span } from '../text/words.ts'
import { Icon } from './icons.tsx'

export function Standing({ view, store }: { readonly view: View; readonly store: SessionStore }) {
  const { trouble, info, lost } = view
  const { transcript } = threadOf(view.conversation)
  return (
    <div className="standing">
      {trouble && view.status !== 'failed' ? (
        <div className="banner error" role="alert">
          <p>
            <strong>{plainText(trouble.text)}</strong> {plainText(trouble.next ?? '')}
          </p>
          <button type="button" className="round quiet" aria-label="Dismiss" onClick={() => store.dismiss()}>
            <Icon name="cross" size={14} />
          </button>
        </div>
      ) : null}
      {lost && !trouble ? (
        <div className="banner warning">
          <p>The connection to the server is lost. The page reconnects by itself; nothing is lost.</p>
        </div>
      ) : null}
      {info?.unserved && !lost ? (
        <div className="banner warning" role="status">
          <p>{plainText(`The session ${info.unserved.message}`)}</p>
        </div>
      ) : null}
      {transcript.phase === 'paused' ? (
        <div className="banner info">
          <p>This session is paused. Messages wait until it goes on.</p>
          <button type="button" onClick={() => void store.control('resume')}>
            Let it go on
          </button>
        </div>
      ) : null}
      {transcript.phase === 'quarantined' ? (
        <div className="banner error">
          <p>This session is in quarantine: something in its log cannot be right. Look at it before it goes on.</p>
          <button type="button" onClick={() => void store.control('release')}>
            Let it go on
          </button>
        </div>
      ) : null}
      {info?.budget?.reached !== undefined && !transcript.turn && transcript.phase !== 'ended' ? (
        <UsedUp budget={info.budget} raise={(raise) => store.raiseBudget(raise)} />
      ) : null}
    </div>
  )
}

const kinds = {
  tokens: { word: 'tokens', said: amount, unit: 1 },
  usd: { word: 'US dollars', said: dollars, unit: 1 },
  tool_calls: { word: 'tool calls', said: amount, unit: 1 },
  wall_time: { word: 'minutes', said: span, unit: 60_000 },
} as const

function UsedUp({
  budget,
  raise,
}: {
  readonly budget: NonNullable<SessionInfo['budget']>
  raise(to: RaiseBudget): Promise<boolean>
}) {
  const name = budget.reached ?? 'tokens'
  const kind = kinds[name]
  const use = budget[name]
  const [to, setTo] = useState(() => String(Math.max(1, ((use?.limit ?? 0) * 2) / kind.unit)))
  const [busy, setBusy] = useState(false)
  const id = useId()
  const submit = (event: FormEvent) => {
    event.preventDefault()
    const value = Number(to) * kind.unit
    if (!Number.isFinite(value) || value <= 0) return
    setBusy(true)
    void raise(name === 'wall_time' ? { wall_time: `${Math.round(value / 1000)}s` } : { [name]: value }).then(() =>
      setBusy(false),
    )
  }
  return (
    <form className="banner warning" onSubmit={submit}>
      <p>
        The budget of this session does not allow the next step: {kind.said(use?.spent ?? 0)} of{' '}
        {kind.said(use?.limit ?? 0)} {name === 'wall_time' || name === 'usd' ? '' : kind.word} are used. Raise the limit
        to go on.
      </p>
      <label htmlFor={id}>New limit, in {kind.word}</label>
      <input id={id} inputMode="decimal" value={to} onChange={(event) => setTo(event.target.value)} size={8} />
      <button type="submit" disabled={busy}>
        Raise
      </button>
    </form>
  )
}
