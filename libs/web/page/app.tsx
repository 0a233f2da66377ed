// The page as a whole: the sessions on the left, the one that is open on the right. Its address says which: /s/<id>.
import { CSPProvider } from '@base-ui/react/csp-provider'
import { Dialog } from '@base-ui/react/dialog'
import { useCallback, useEffect, useMemo, useRef, useState, useSyncExternalStore } from 'react'
import { Dock } from './asking/dock.tsx'
import { Announcer, announce } from './frame/announcer.tsx'
import { Composer } from './frame/composer.tsx'
import { EndDialog } from './frame/end-dialog.tsx'
import { Header } from './frame/header.tsx'
import { Icon } from './frame/icons.tsx'
import { SessionList, titleOf } from './frame/session-list.tsx'
import { Standing } from './frame/standing.tsx'
import { threadOf } from './model/conversation.ts'
import { told } from './model/reins.ts'
import { SessionStore, type View } from './model/session-store.ts'
import { SessionsStore } from './model/sessions-store.ts'
import { plainText } from './text/plain.ts'
import { answersReady } from './thread/answer-text.tsx'
import { Controls, type Fork, Forks } from './thread/item-view.tsx'
import { PlanView, planTitle } from './thread/plan-view.tsx'
import { ThreadView } from './thread/thread-view.tsx'
import { Outputs } from './thread/whole-output.tsx'

const addressed = (): string | undefined => /^\/s\/([\w-]+)$/.exec(location.pathname)?.[1]

export function App() {
  const sessions = useMemo(() => new SessionsStore(), [])
  // Each visit to an address is a store of its own.
  const [visit, setVisit] = useState<Visit>(() => ({ session: addressed() ?? told.session, n: 0, draft: '' }))
  const open = useCallback((session: string | undefined, draft = '') => {
    const path = session === undefined ? '/' : `/s/${session}`
    if (location.pathname !== path) history.pushState(null, '', path)
    setVisit(({ n }) => ({ session, n: n + 1, draft }))
  }, [])
  useEffect(() => {
    const onPop = () => setVisit(({ n }) => ({ session: addressed(), n: n + 1, draft: '' }))
    addEventListener('popstate', onPop)
    return () => removeEventListener('popstate', onPop)
  }, [])
  return (
    <CSPProvider disableStyleElements>
      <a className="skip" href="#conversation">
        To the conversation
      </a>
      <Chat key={visit.n} session={visit.session} draft={visit.draft} sessions={sessions} open={open} />
      <Announcer />
    </CSPProvider>
  )
}

interface Visit {
  readonly session: string | undefined
  readonly n: number
  /** What stands in the field for a message. */
  readonly draft: string
}

function Chat({
  session,
  draft,
  sessions,
  open,
}: {
  readonly session: string | undefined
  readonly draft: string
  readonly sessions: SessionsStore
  open(session: string | undefined, draft?: string): void
}) {
  const [store] = useState(() => new SessionStore(session, answersReady))
  useEffect(() => {
    store.onNews = (id) => {
      // A session that was made here gets its address.
      if (session === undefined && location.pathname === '/') history.replaceState(null, '', `/s/${id}`)
      sessions.news()
    }
    store.open()
    return () => store.close()
  }, [store, session, sessions])
  return <Opened store={store} draft={draft} sessions={sessions} open={open} />
}

function Opened({
  store,
  draft,
  sessions,
  open,
}: {
  readonly store: SessionStore
  readonly draft: string
  readonly sessions: SessionsStore
  open(session: string | undefined, draft?: string): void
}) {
  const view = useSyncExternalStore(store.subscribe, store.view)
  const [drawer, setDrawer] = useState(false)
  const [ending, setEnding] = useState(false)
  const { conversation } = view
  const { transcript } = threadOf(conversation)
  useNews(view)
  const current = conversation.session
  const list = (
    <SessionList
      store={sessions}
      agent={told.agent}
      current={current}
      open={(to) => {
        setDrawer(false)
        open(to)
      }}
    />
  )
  const fork = useCallback<Fork>(
    (message, text, how) => {
      announce('The session is forked.')
      void store.fork(message, how === 'again').then((forked) => {
        if (forked === undefined) return
        open(forked, how === 'edit' ? text : '')
        sessions.news()
      })
    },
    [store, open, sessions],
  )
  const openPlan = transcript.plan?.some(({ status }) => status === 'pending' || status === 'in_progress')
  return (
    <div className="page">
      <aside className="side">{list}</aside>
      <main className="main">
        <Header
          view={view}
          store={store}
          agent={told.agent}
          ask={() => setEnding(true)}
          drawer={
            <Dialog.Root open={drawer} onOpenChange={setDrawer}>
              <Dialog.Trigger className="round quiet drawer-button" aria-label="Sessions">
                <Icon name="menu" />
              </Dialog.Trigger>
              <Dialog.Portal>
                <Dialog.Backdrop className="backdrop" />
                <Dialog.Popup className="drawer">
                  <Dialog.Title className="unseen">Sessions</Dialog.Title>
                  {list}
                  <Dialog.Close className="round quiet drawer-close" aria-label="Close">
                    <Icon name="cross" />
                  </Dialog.Close>
                </Dialog.Popup>
              </Dialog.Portal>
            </Dialog.Root>
          }
        />
        <Outputs value={store.output}>
          <Controls value={(verb) => void store.control(verb)}>
            <Forks value={fork}>
              {view.status === 'failed' ? (
                <div className="thread-frame">
                  <section className="thread" id="conversation" aria-label="Conversation">
                    <div className="empty">
                      <h2>{plainText(view.trouble?.text ?? 'This session cannot be shown.')}</h2>
                      <p className="faint">{plainText(view.trouble?.next ?? '')}</p>
                      <a className="button" href="/">
                        Start a new session
                      </a>
                    </div>
                  </section>
                </div>
              ) : (
                <ThreadView conversation={conversation}>
                  {view.status === 'loading' ? (
                    <p className="empty faint" role="status">
                      {view.lost ? '' : 'Loading'}
                    </p>
                  ) : (
                    <div className="empty">
                      <h2>What shall {told.agent} do?</h2>
                      <p className="faint">
                        Write below. The session goes on when you close this page, and waits for you.
                      </p>
                    </div>
                  )}
                </ThreadView>
              )}
            </Forks>
          </Controls>
        </Outputs>
        <div className="foot">
          <Standing view={view} store={store} />
          {openPlan && transcript.plan ? (
            <details className="card plan-card">
              <summary className="card-title">{planTitle(transcript.plan)}</summary>
              <PlanView steps={transcript.plan} />
            </details>
          ) : null}
          <Dock conversation={conversation} store={store} />
          {view.status === 'failed' ? null : <Composer view={view} store={store} agent={told.agent} draft={draft} />}
        </div>
      </main>
      <EndDialog open={ending} close={() => setEnding(false)} end={() => void store.control('end')} />
    </div>
  )
}

/** What a screen reader is told of the session, and what the tab is called. */
function useNews({ conversation, lost, info }: View): void {
  const { transcript, items } = threadOf(conversation)
  const turn = transcript.turn?.id
  const before = useRef({ turn, lost })
  useEffect(() => {
    const was = before.current
    before.current = { turn, lost }
    if (was.lost !== lost)
      announce(lost ? 'The connection is lost. The page reconnects by itself.' : 'Connected again.')
    if (was.turn === turn) return
    if (turn !== undefined) return announce(`${told.agent} works.`)
    const answer = items.findLast((item) => item.kind === 'answer')
    const end = items.findLast((item) => item.kind === 'turn')
    const words = { completed: 'The answer is there.', failed: 'The turn failed.', cancelled: 'The turn was stopped.' }
    const said =
      answer?.kind === 'answer' && end?.kind === 'turn' && end.status === 'completed' ? plainText(answer.text) : ''
    announce(`${words[end?.kind === 'turn' ? end.status : 'completed']} ${said.slice(0, 400)}`)
  }, [turn, lost, items])
  const title = info ? titleOf(info) : told.agent
  useEffect(() => {
    document.title = `${turn === undefined ? '' : '… '}${title} · Reins`
  }, [title, turn])
}
