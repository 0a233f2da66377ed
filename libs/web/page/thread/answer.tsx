// The text of an answer, as Markdown that may still be growing.
//   AN1. All of it is from a model: raw HTML stays text, links go to web pages only and say where, and no picture is loaded.
//   AN2. What cannot be seen is shown, also where Markdown makes it of an entity.
import { type AnchorHTMLAttributes, isValidElement, memo, type ReactElement, type ReactNode } from 'react'
import { type Components, Streamdown } from 'streamdown'
import { plainText } from '../text/plain.ts'
import { plainNodes } from '../text/plain-nodes.ts'
import { sayWhere, webAddress } from '../text/web-address.ts'
import { CodeBlock } from './code-block.tsx'
import { Scrolls } from './scrolls.tsx'

function Link({ href, children }: AnchorHTMLAttributes<HTMLAnchorElement>) {
  const url = webAddress(href)
  if (url === undefined) return <span className="no-link">{children}</span>
  const words = textOf(children)
  const own = sayWhere(words, url) ? undefined : url.host
  return (
    <a href={url.href} target="_blank" rel="noopener noreferrer nofollow" title={url.href}>
      {children}
      {own === undefined ? null : <span className="where"> ({own})</span>}
    </a>
  )
}

function Picture({ src, alt }: { readonly src?: unknown; readonly alt?: string | undefined }) {
  const url = typeof src === 'string' ? webAddress(src) : undefined
  const words = alt === undefined || alt === '' ? 'picture' : alt
  return (
    <span className="picture">
      {url === undefined ? `Picture: ${words}` : <Link href={url.href}>{`Picture: ${words}`}</Link>}
    </span>
  )
}

function Pre({ children }: { readonly children?: ReactNode }) {
  const code = isValidElement(children)
    ? (children as ReactElement<{ className?: string; children?: ReactNode }>)
    : null
  const language = /language-(\S+)/.exec(code?.props.className ?? '')?.[1] ?? ''
  return <CodeBlock code={textOf(code?.props.children ?? children).replace(/\n$/, '')} language={language} />
}

function textOf(node: ReactNode): string {
  if (typeof node === 'string' || typeof node === 'number') return String(node)
  if (Array.isArray(node)) return node.map(textOf).join('')
  return isValidElement(node) ? textOf((node as ReactElement<{ children?: ReactNode }>).props.children) : ''
}

const plain = (Tag: 'p' | 'ul' | 'ol' | 'li' | 'blockquote' | 'strong' | 'hr' | 'code') =>
  function Plain({ children, start }: { readonly children?: ReactNode; readonly start?: unknown }) {
    if (Tag === 'hr') return <hr />
    if (Tag === 'ol') return <ol {...(typeof start === 'number' ? { start } : {})}>{children}</ol>
    return <Tag>{children}</Tag>
  }

function Table({ children }: { readonly children?: ReactNode }) {
  return (
    <Scrolls className="table" label="Table">
      <table>{children}</table>
    </Scrolls>
  )
}
const cells = (Tag: 'thead' | 'tbody' | 'tr' | 'th' | 'td') =>
  function Cells({ children }: { readonly children?: ReactNode }) {
    return <Tag>{children}</Tag>
  }

/** Headings of an answer stand below those of the page, without gaps in the outline whatever level it begins with. */
const heading = (level: number) =>
  function Heading({ children }: { readonly children?: ReactNode }) {
    return <h3 className={`level-${level}`}>{children}</h3>
  }

const components = {
  ...{ a: Link, img: Picture, pre: Pre, code: plain('code'), inlineCode: plain('code'), table: Table },
  ...{ h1: heading(1), h2: heading(2), h3: heading(3), h4: heading(4), h5: heading(4), h6: heading(4) },
  ...{ p: plain('p'), ul: plain('ul'), ol: plain('ol'), li: plain('li'), hr: plain('hr'), strong: plain('strong') },
  ...{ blockquote: plain('blockquote'), thead: cells('thead'), tbody: cells('tbody'), tr: cells('tr') },
  ...{ th: cells('th'), td: cells('td') },
} as unknown as Components

export const Answer = memo(function Answer({ text, open }: { readonly text: string; readonly open: boolean }) {
  return (
    <Streamdown
      className="prose"
      mode={open ? 'streaming' : 'static'}
      parseIncompleteMarkdown={open}
      components={components}
      rehypePlugins={[plainNodes]}
      controls={false}
      linkSafety={{ enabled: false }}
      skipHtml={false}
    >
      {plainText(text)}
    </Streamdown>
  )
})
