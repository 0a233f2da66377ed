// What a call does, for people: a command as a terminal has it, an edit as a diff, a plan as a list, everything else by its arguments.
// The same in the thread and where a person decides about the call.
//   WR1. What is left out is said: nobody approves what they have not been told of.
import { plainText } from '../text/plain.ts'
import { plural } from '../text/words.ts'
import { Coloured } from './code-block.tsx'
import { type DiffLine, diffLines } from './diff.ts'
import { LongText } from './long-text.tsx'

type Args = Readonly<Record<string, unknown>>
export interface Call {
  readonly name: string
  readonly input: Args
}

/** One line: what is run, or on what. */
export function subjectOf({ name, input }: Call): string {
  const { command, path, instruction, pattern, query, url, name: named } = input
  const first = [command, path, instruction, pattern, query, url, named].find((one) => typeof one === 'string')
  const text = typeof first === 'string' ? first : name === 'create_plan' ? '' : firstText(input)
  return plainText(text).replace(/\s+/g, ' ').trim().slice(0, 200)
}

const firstText = (input: Args): string => String(Object.values(input).find((one) => typeof one === 'string') ?? '')

export function WhatRuns({ name, input }: Call) {
  const { command, path, content, old_string: before, new_string: after } = input
  if (typeof command === 'string')
    return (
      <>
        <div className="terminal">
          <LongText text={plainText(command)} label="Command">
            {(shown) => (
              <>
                <span className="prompt" aria-hidden="true">
                  ${' '}
                </span>
                <Coloured code={shown} language="bash" />
              </>
            )}
          </LongText>
        </div>
        <Arguments input={input} without={['command']} />
      </>
    )
  if (typeof path === 'string' && typeof before === 'string' && typeof after === 'string')
    return (
      <>
        <Diff title={path} lines={diffLines(plainText(before), plainText(after))} />
        <Arguments input={input} without={['path', 'old_string', 'new_string']} />
      </>
    )
  if (typeof path === 'string' && typeof content === 'string')
    return (
      <>
        <Diff title={`${path} (the whole file)`} lines={diffLines('', plainText(content))} />
        <Arguments input={input} without={['path', 'content']} />
      </>
    )
  return <Arguments input={input} without={[]} named={name} />
}

const firstLines = 40

function Diff({ title, lines }: { readonly title: string; readonly lines: readonly DiffLine[] }) {
  const added = lines.filter(({ kind }) => kind === 'new').length
  const gone = lines.filter(({ kind }) => kind === 'gone').length
  const signs = { same: ' ', gone: '-', new: '+' }
  return (
    <div className="diff">
      <p className="diff-title">
        <code>{plainText(title)}</code> <span className="added">+{added}</span> <span className="gone">−{gone}</span>
        <span className="unseen">{`: ${plural(added, 'line')} added, ${plural(gone, 'line')} removed`}</span>
      </p>
      <LongText text={lines.map(({ kind, text }) => signs[kind] + text).join('\n')} label={`Changes of ${title}`}>
        {(shown) =>
          shown.split('\n').map((line, at) => (
            // biome-ignore lint/suspicious/noArrayIndexKey: a line is known by its place
            <span key={at} className={line[0] === '+' ? 'new' : line[0] === '-' ? 'old' : 'same'}>
              {`${line}\n`}
            </span>
          ))
        }
      </LongText>
    </div>
  )
}

function Arguments({
  input,
  without,
  named,
}: {
  readonly input: Args
  readonly without: readonly string[]
  readonly named?: string
}) {
  const rows = Object.entries(input).filter(([key]) => !without.includes(key))
  if (rows.length === 0) return named === undefined ? null : <p className="faint">It takes no arguments.</p>
  return (
    <dl className="arguments">
      {rows.map(([key, value]) => {
        const text = plainText(typeof value === 'string' ? value : (JSON.stringify(value, null, 2) ?? ''))
        const short = text.length <= firstLines * 2 && !text.includes('\n')
        return (
          <div key={key}>
            <dt>{plainText(key)}</dt>
            <dd>{short ? <code>{text}</code> : <LongText text={text} label={key} />}</dd>
          </div>
        )
      })}
    </dl>
  )
}
