// A block of code: its language, a button that copies it, and colours once it is whole.
import { type CSSProperties, useEffect, useState } from 'react'
import { Icon } from '../frame/icons.tsx'
import { useCopy } from '../frame/use-copy.ts'
import { highlight, languageOf } from './highlight.ts'
import { Scrolls } from './scrolls.tsx'

type Lines = Awaited<ReturnType<typeof highlight>>

export function CodeBlock({ code, language }: { readonly code: string; readonly language: string }) {
  const { copied, copy } = useCopy()
  return (
    <figure className="code">
      <figcaption>
        <span>{language === '' ? 'text' : language}</span>
        <button type="button" className="quiet" onClick={() => copy(code)}>
          <Icon name={copied ? 'check' : 'copy'} size={14} />
          {copied ? 'Copied' : 'Copy'}
        </button>
      </figcaption>
      <Scrolls label={`Code${language === '' ? '' : `, ${language}`}`}>
        <pre>
          <Coloured code={code} language={language} />
        </pre>
      </Scrolls>
    </figure>
  )
}

export function Coloured({ code, language }: { readonly code: string; readonly language: string }) {
  const [lines, setLines] = useState<{ readonly code: string; readonly lines: Lines }>()
  const known = languageOf(language)
  useEffect(() => {
    if (known === undefined) return
    let gone = false
    // What is still being written is coloured when it stands still.
    const timer = setTimeout(() => {
      void highlight(code, known)
        .then((found) => {
          if (!gone) setLines({ code, lines: found })
        })
        .catch(() => undefined)
    }, 120)
    return () => {
      gone = true
      clearTimeout(timer)
    }
  }, [code, known])
  if (lines?.lines === undefined) return <code>{code}</code>
  // While it grows, what was coloured stays, and the rest follows plain.
  if (!code.startsWith(lines.code)) return <code>{code}</code>
  return (
    <code>
      {lines.lines.map((line, row) => (
        // biome-ignore lint/suspicious/noArrayIndexKey: a line is known by its place
        <span key={row}>
          {line.map((token, at) => (
            // biome-ignore lint/suspicious/noArrayIndexKey: so is a token
            <span key={at} className="token" style={token.htmlStyle as CSSProperties}>
              {token.content}
            </span>
          ))}
          {row < (lines.lines?.length ?? 0) - 1 ? '\n' : ''}
        </span>
      ))}
      {code.slice(lines.code.length)}
    </code>
  )
}
