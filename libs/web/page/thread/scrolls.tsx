// What scrolls by itself inside the page has to be reachable by keyboard, and to have a name; a landmark it is not.
import type { ReactNode } from 'react'

interface ScrollsProps {
  readonly className?: string
  readonly label: string
  readonly children: ReactNode
}

export function Scrolls({ className = 'scrolls', label, children }: ScrollsProps) {
  const reachable = { role: 'group', tabIndex: 0, 'aria-label': label }
  return (
    <div className={className} {...reachable}>
      {children}
    </div>
  )
}
