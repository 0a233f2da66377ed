// An output that was cut for the model: the part that the model got, and the whole of it when it is asked for.
import { createContext, use, useState } from 'react'
import { type Trouble, troubleOf, type WholeOutput as Whole } from '../model/session-store.ts'
import { plainText } from '../text/plain.ts'
import { size } from '../text/words.ts'
import { ToolOutput } from './tool-output-view.tsx'

/** Reads what is kept. */
export const Outputs = createContext<(session: string, ref: string) => Promise<Whole>>(() =>
  Promise.reject(new Error('Nobody reads outputs here.')),
)

type State =
  | { readonly kind: 'cut' | 'reading' }
  | { readonly kind: 'whole'; readonly whole: Whole }
  | { readonly kind: 'failed'; readonly trouble: Trouble }

export interface WholeOutputProps {
  readonly name: string
  readonly session: string
  /** What the model got. */
  readonly output: string
  readonly reference: string
}

export function WholeOutput({ name, session, output, reference }: WholeOutputProps) {
  const read = use(Outputs)
  const [state, setState] = useState<State>({ kind: 'cut' })
  const show = () => {
    setState({ kind: 'reading' })
    read(session, reference).then(
      (whole) => setState({ kind: 'whole', whole }),
      (error: unknown) => setState({ kind: 'failed', trouble: troubleOf(error) }),
    )
  }
  if (state.kind === 'whole') {
    const { text, shown, size: bytes } = state.whole
    return (
      <>
        <ToolOutput name={name} output={text} />
        <p className="faint">
          {shown < bytes
            ? `The first ${size(shown)} of ${size(bytes)}. This prints all of it: reins session output ${session} ${reference}`
            : `The whole output, ${size(bytes)}. The model got a part of it.`}
        </p>
      </>
    )
  }
  return (
    <>
      <ToolOutput name={name} output={output} />
      {state.kind === 'failed' ? (
        <p className="problem" role="alert">
          {plainText(`${state.trouble.text} ${state.trouble.next ?? ''}`)}
        </p>
      ) : (
        <p className="faint">
          This is the part that the model got.{' '}
          <button type="button" className="quiet more" disabled={state.kind === 'reading'} onClick={show}>
            Show the whole output
          </button>
        </p>
      )}
    </>
  )
}
