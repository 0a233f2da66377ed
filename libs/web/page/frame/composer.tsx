// Where a person writes: Enter sends, Shift and Enter begin a new line. Images are pasted, dropped or chosen. While a turn runs, messages
// wait behind it, and it can be stopped.
import {
  type ClipboardEvent,
  type DragEvent,
  type KeyboardEvent,
  useEffect,
  useId,
  useLayoutEffect,
  useRef,
  useState,
} from 'react'
import { type Sending, threadOf, waitingFor } from '../model/conversation.ts'
import { type SessionStore, type View, isBusy } from '../model/session-store.ts'
import { plainText } from '../text/plain.ts'
import { ChooseImages, free, ImagePreviews, useAttachedImages } from './attached-images.tsx'
import { Icon } from './icons.tsx'

const tallest = 220

export function Composer({
  view,
  store,
  agent,
  draft,
}: {
  readonly view: View
  readonly store: SessionStore
  readonly agent: string
  /** What stands there before anything was written. */
  readonly draft: string
}) {
  const [text, setText] = useState(draft)
  const attached = useAttachedImages()
  const { add, giveBack, images } = attached
  const field = useRef<HTMLTextAreaElement>(null)
  const id = useId()
  const { transcript } = threadOf(view.conversation)
  const ended = transcript.phase === 'ended'
  const turn = transcript.turn !== undefined
  const busy = isBusy(view)

  useEffect(() => {
    store.onRefused = (refused, of) => {
      setText((now) => (now === '' ? refused : now))
      giveBack(of)
    }
    store.onSent = free
    field.current?.focus({ preventScroll: true })
  }, [store, giveBack])

  // Where what had the focus is gone (a card that was decided, the button that stopped the turn), it comes back here.
  const { approvals, questions } = waitingFor(view.conversation)
  const changes = `${turn} ${approvals.length} ${questions.length}`
  // biome-ignore lint/correctness/useExhaustiveDependencies: it is looked at when one of these changes
  useEffect(() => {
    if (document.activeElement === document.body && matchMedia('(hover: hover)').matches)
      field.current?.focus({ preventScroll: true })
  }, [changes])

  // biome-ignore lint/correctness/useExhaustiveDependencies: the height follows what is written
  useLayoutEffect(() => {
    const element = field.current
    if (!element) return
    element.style.height = 'auto'
    element.style.height = `${Math.min(tallest, element.scrollHeight)}px`
  }, [text, busy])

  const send = () => {
    const message = text.trim()
    if (message === '' || ended) return
    setText('')
    store.send(message, attached.take())
  }
  const onPaste = (event: ClipboardEvent) => {
    if (event.clipboardData.files.length === 0) return
    event.preventDefault()
    add(event.clipboardData.files)
  }
  const onDrop = (event: DragEvent) => {
    if (event.dataTransfer.files.length === 0) return
    event.preventDefault()
    add(event.dataTransfer.files)
    field.current?.focus({ preventScroll: true })
  }
  const onKeyDown = (event: KeyboardEvent) => {
    if (event.nativeEvent.isComposing) return
    if (event.key === 'Enter' && !event.shiftKey) {
      event.preventDefault()
      send()
    } else if (event.key === 'Escape' && text === '' && turn && !view.stopping) {
      event.preventDefault()
      void store.control('cancel')
    }
  }
  if (ended)
    return (
      <div className="composer ended">
        <p>
          This session has ended. What was said stays here to read. <a href="/">Start a new one</a>
        </p>
      </div>
    )
  return (
    // biome-ignore lint/a11y/noStaticElementInteractions: whoever has no mouse chooses files by the button
    <div className="composer" onDragOver={(event) => event.preventDefault()} onDrop={onDrop}>
      <Queue
        waiting={transcript.waiting.map(({ message, text: said }) => ({ key: message, text: said }))}
        sending={view.sending}
        turn={turn}
        away={view.away}
      />
      <ImagePreviews attached={attached} />
      <div className="box">
        <ChooseImages add={add} />
        <label className="unseen" htmlFor={id}>
          Message to {agent}
        </label>
        <textarea
          id={id}
          ref={field}
          rows={1}
          value={text}
          placeholder={images.length > 0 ? 'Say what this is about' : busy ? 'Queue a message' : `Message ${agent}`}
          onPaste={onPaste}
          onChange={(event) => setText(event.target.value)}
          onKeyDown={onKeyDown}
          aria-describedby={`${id}-help`}
        />
        <span className="unseen" id={`${id}-help`}>
          Enter sends, Shift and Enter begin a new line. {turn ? 'Escape stops the turn when the field is empty.' : ''}
        </span>
        {turn ? (
          <button
            type="button"
            className="round stop"
            disabled={view.stopping}
            onClick={() => void store.control('cancel')}
            aria-label={view.stopping ? 'Stopping' : 'Stop'}
            title="Stop (Escape)"
          >
            <Icon name="stop" />
          </button>
        ) : null}
        {turn && text.trim() === '' ? null : (
          <button
            type="button"
            className="round send"
            disabled={text.trim() === ''}
            onClick={send}
            aria-label={turn ? 'Queue the message' : 'Send'}
          >
            <Icon name="send" />
          </button>
        )}
      </div>
    </div>
  )
}

/** What was said and is in no turn yet. */
function Queue({
  waiting,
  sending,
  turn,
  away,
}: {
  readonly waiting: readonly Sending[]
  readonly sending: readonly Sending[]
  readonly turn: boolean
  readonly away: boolean
}) {
  const all = [
    ...waiting.map((one) => ({ ...one, how: turn ? 'Waits' : 'Sent' })),
    ...sending.map((one) => ({ ...one, how: away ? 'Waits for the server' : 'Sending' })),
  ]
  if (all.length === 0) return null
  return (
    <ul className="queue" aria-label="Messages that wait">
      {all.map(({ key, text, how }) => (
        <li key={key}>
          <Icon name="clock" size={14} />
          <span className="queued-text">{plainText(text)}</span>
          <span className="faint">{how}</span>
        </li>
      ))}
    </ul>
  )
}
