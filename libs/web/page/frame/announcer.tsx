// What a screen reader is told: what happened, in whole sentences, never single tokens.
import { useEffect, useState } from 'react'

let tell: (text: string) => void = () => undefined

export const announce = (text: string): void => tell(text)

export function Announcer() {
  const [said, setSaid] = useState({ text: '', times: 0 })
  useEffect(() => {
    tell = (text) => setSaid(({ times }) => ({ text, times: times + 1 }))
    return () => {
      tell = () => undefined
    }
  }, [])
  // The same sentence twice is news twice: it moves from one region to the other.
  const [first, second] = said.times % 2 === 0 ? [said.text, ''] : ['', said.text]
  return (
    <div className="unseen">
      <div role="status" aria-live="polite">
        {first}
      </div>
      <div role="status" aria-live="polite">
        {second}
      </div>
    </div>
  )
}
