// Copying, and saying for a moment that it was done.
import { useEffect, useRef, useState } from 'react'
import { announce } from './announcer.tsx'

export function useCopy(): { readonly copied: boolean; readonly copy: (text: string) => void } {
  const [copied, setCopied] = useState(false)
  const timer = useRef<ReturnType<typeof setTimeout>>(undefined)
  useEffect(() => () => clearTimeout(timer.current), [])
  const copy = (text: string) => {
    void navigator.clipboard
      .writeText(text)
      .then(() => true)
      .catch(() => byHand(text))
      .then((done) => {
        announce(done ? 'Copied.' : 'The browser does not allow to copy.')
        if (!done) return
        setCopied(true)
        clearTimeout(timer.current)
        timer.current = setTimeout(() => setCopied(false), 1600)
      })
  }
  return { copied, copy }
}

/** Where the page is not on loopback and not on https, browsers keep the clipboard to themselves. */
function byHand(text: string): boolean {
  const field = document.createElement('textarea')
  field.value = text
  field.className = 'unseen'
  document.body.append(field)
  field.select()
  const done = document.execCommand('copy')
  field.remove()
  return done
}
