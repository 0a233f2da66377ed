import { describe, expect, it } from 'vitest'
import { childId, rootOf } from '../ids.ts'
import {
  type Address,
  encodeToken,
  firedSubject,
  liveSubject,
  parseLiveSubject,
  parseSessionSubject,
  parseTimerSubject,
  republished,
  roles,
  sessionFilter,
  sessionSubject,
  timerSubject,
  toExec,
  toLog,
  toTool,
  treeFilter,
} from './subjects.ts'

const root = '01HZZZZZZZZZZZZZZZZZZZZZZZ'
const child = childId(root, 'c1')
const addresses: readonly Address[] = [toLog, toExec('default'), toTool('0a1b2c3d4e')]

/** As the broker matches. */
function matches(filter: string, subject: string): boolean {
  const [wanted, given] = [filter.split('.'), subject.split('.')]
  const rest = wanted.indexOf('>')
  const fixed = rest < 0 ? wanted : wanted.slice(0, rest)
  return (
    (rest < 0 ? given.length === fixed.length : given.length > fixed.length) &&
    fixed.every((token, i) => token === '*' || token === given[i])
  )
}

describe('the subject of a frame', () => {
  for (const session of [root, child])
    for (const role of roles)
      for (const to of addresses)
        it(`says whose it is, who says it and who must act: ${session} ${role} ${to.kind}`, () => {
          const subject = sessionSubject(session, role, to)
          const parsed = { session, root: rootOf(session), role, to }
          expect(parseSessionSubject(subject)).toEqual(parsed)
          expect(parseSessionSubject(republished(subject))).toEqual(parsed)
          expect(matches(sessionFilter(session), subject)).toBe(true)
          expect(matches(treeFilter(root), subject)).toBe(true)
          expect(matches(sessionFilter(session === root ? child : root), subject)).toBe(false)
        })

  it.each([
    '',
    'ses',
    `ses.1.${root}.${root}.g`,
    `ses.1.${root}.${root}.x.log`,
    `ses.1.${root}.${root}.g.log.default`,
    `ses.1.${root}.${root}.e.exec`,
    `ses.1.${root}.${root}.e.exec.default.more`,
    `live.1.${root}.${root}.e`,
  ])('is not %j', (subject) => {
    expect(parseSessionSubject(subject)).toBeUndefined()
  })
})

describe('the subjects of deltas and timers', () => {
  it('say whose they are', () => {
    expect(parseLiveSubject(liveSubject(child, 'e'))).toEqual({ session: child, role: 'e' })
    expect(parseTimerSubject(timerSubject(child, 'c2-1'))).toEqual({ session: child, timer: 'c2-1' })
    expect(parseTimerSubject(firedSubject(root, 'c2-1'))).toEqual({ session: root, timer: 'c2-1' })
  })

  it('are told from everything else', () => {
    for (const subject of ['', `live.1.${root}.${root}.g`, `live.1.${root}.${root}.e.x`, `fired.1.${root}.${root}.t`])
      expect(parseLiveSubject(subject), subject).toBeUndefined()
    for (const subject of ['', `timer.1.${root}.${root}`, `timer.1.${root}.${root}.a.b`, `live.1.${root}.${root}.e`])
      expect(parseTimerSubject(subject), subject).toBeUndefined()
  })
})

describe('any text as one token', () => {
  it('keeps no character that the broker takes for its own, and two texts never become one', () => {
    const names = ['plain-Name1', 'a.b', 'a b', 'a*', 'a>', 'a_2eb', 'é', '', '\u0000']
    const tokens = names.map(encodeToken)
    expect(new Set(tokens).size).toBe(names.length)
    for (const token of tokens) expect(token).toMatch(/^[A-Za-z0-9_-]*$/)
    expect(tokens[0]).toBe('plain-Name1')
  })
})
