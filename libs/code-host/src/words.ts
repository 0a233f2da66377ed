// What a host said, checked: a host's word is its code's word (M1 of messages.ts).
import { formOf } from '@reins/contracts'
import { Type } from 'typebox'
import type { FromHost, RunEnd } from './messages.ts'

const id = Type.Integer({ minimum: 0 })
const text = Type.String()
const level = Type.Union([Type.Literal('debug'), Type.Literal('info'), Type.Literal('warn'), Type.Literal('error')])
const code = Type.Union([Type.Literal('failed'), Type.Literal('invalid-arguments'), Type.Literal('too-large')])

const found = Type.Union([
  Type.Object({ kind: Type.Literal('tool'), export: text, facts: Type.Unknown() }),
  Type.Object({ kind: Type.Literal('workflow'), export: text, facts: Type.Unknown() }),
  Type.Object({ kind: Type.Literal('project'), export: text, facts: Type.Unknown() }),
  Type.Object({ kind: Type.Literal('problem'), export: Type.Optional(text), message: text }),
])

const end = Type.Union([
  Type.Object({
    kind: Type.Literal('value'),
    value: Type.Optional(Type.Unknown()),
    content: Type.Optional(Type.Array(Type.Unknown())),
  }),
  Type.Object({ kind: Type.Literal('error'), code, message: text, goesOn: Type.Optional(Type.Literal(true)) }),
])

const FromHostWord = Type.Union([
  Type.Object({ kind: Type.Literal('loaded'), found: Type.Array(found, { maxItems: 1_000 }) }),
  Type.Object({ kind: Type.Literal('not-loaded'), message: text }),
  Type.Object({ kind: Type.Literal('began'), id }),
  Type.Object({ kind: Type.Literal('progress'), id, text }),
  Type.Object({
    kind: Type.Literal('log'),
    id: Type.Optional(id),
    level,
    message: text,
    attributes: Type.Optional(Type.Unknown()),
  }),
  Type.Object({ kind: Type.Literal('request'), id, request: id, what: text, value: Type.Unknown() }),
  Type.Object({ kind: Type.Literal('done'), id, end }),
  Type.Object({ kind: Type.Literal('pong'), id }),
])

const isWord = formOf(FromHostWord)

export type Word = FromHost

export const readWord = (message: unknown): Word | undefined => (isWord(message) ? message : undefined)

const fault = Type.Object({ code: text, message: text, name: Type.Optional(text), where: Type.Optional(text) })
const named = Type.Object({ operation: text, name: text })

const isRunEnd = formOf(
  Type.Union([
    Type.Object({ kind: Type.Literal('suspended') }),
    Type.Object({ kind: Type.Literal('completed'), output: Type.Optional(Type.Unknown()) }),
    Type.Object({ kind: Type.Literal('failed'), error: fault }),
    Type.Object({ kind: Type.Literal('diverged'), position: id, recorded: named, found: named }),
  ]),
)

/** What a replay came to, as the value of its call; undefined: it is none. */
export const readRunEnd = (value: unknown): RunEnd | undefined => (isRunEnd(value) ? value : undefined)
