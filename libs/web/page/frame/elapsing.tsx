// How long there is still time, told anew now and then.
import { useEffect, useState } from 'react'
import { span } from '../text/words.ts'

export function Elapsing({ until }: { readonly until: number }) {
  const [now, setNow] = useState(() => Date.now())
  useEffect(() => {
    const timer = setInterval(() => setNow(Date.now()), 5000)
    return () => clearInterval(timer)
  }, [])
  const left = until - now
  return (
    <span>
      {' '}
      {left <= 0
        ? 'The time for it has passed.'
        : `Expires in ${left < 60_000 ? 'less than a minute' : span(Math.round(left / 60_000) * 60_000)}.`}
    </span>
  )
}
