// How long something runs, told anew each second.
import { useEffect, useState } from 'react'
import { span } from '../text/words.ts'

export function Elapsed({ since }: { readonly since: number }) {
  const [now, setNow] = useState(() => Date.now())
  useEffect(() => {
    const timer = setInterval(() => setNow(Date.now()), 1000)
    return () => clearInterval(timer)
  }, [])
  const ms = Math.max(0, now - since)
  return <span className="elapsed">{ms < 1000 ? '' : span(Math.floor(ms / 1000) * 1000)}</span>
}
