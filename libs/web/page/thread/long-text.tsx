// A text that may be huge: its first lines, and the rest when it is asked for.
import { type ReactNode, useState } from 'react'
import { cutAfter } from '../text/plain.ts'
import { plural } from '../text/words.ts'
import { Scrolls } from './scrolls.tsx'

const firstLines = 40
const firstChars = 8000
/** More is not put into a page at once. */
const mostLines = 5000
const mostChars = 400_000

export function LongText({
  text,
  label,
  children = (shown) => shown,
}: {
  readonly text: string
  readonly label: string
  readonly children?: (shown: string) => ReactNode
}) {
  const [open, setOpen] = useState(false)
  const cut = open ? cutAfter(text, mostLines, mostChars) : cutAfter(text, firstLines, firstChars)
  const short = cutAfter(text, firstLines, firstChars).lines === 0
  return (
    <>
      <Scrolls label={label}>
        <pre>
          {children(cut.text)}
          {open && cut.lines > 0 ? `\n… ${plural(cut.lines, 'more line')} are not shown` : ''}
        </pre>
      </Scrolls>
      {short ? null : (
        <button type="button" className="quiet more" onClick={() => setOpen(!open)}>
          {open ? 'Show less' : `Show ${plural(cut.lines, 'more line')}`}
        </button>
      )}
    </>
  )
}
