// The Markdown of answers comes in a file of its own, so that the page is there before it.
import { lazy, Suspense } from 'react'
import { plainText } from '../text/plain.ts'

const load = () => import('./answer.tsx')
const Answer = lazy(async () => ({ default: (await load()).Answer }))

/** What shows answers is there; nobody waits for it in vain. */
export const answersReady = (): Promise<unknown> => load().catch(() => undefined)

export function AnswerText({ text, open }: { readonly text: string; readonly open: boolean }) {
  return (
    <Suspense fallback={<div className="prose growing">{plainText(text)}</div>}>
      <Answer text={text} open={open} />
    </Suspense>
  )
}
