// Decisions that are sent again, to another call, about other arguments, by nobody, or many at once. Two sessions wait, each with a call
// that writes a file of its own; `one` is what is decided about, and `other` must wait still. `{digest}` and `{other}`: of their arguments.
import { kindOf, type Row } from '../../corpus.ts'

export interface Replay {
  readonly decisions: readonly {
    /** Whose session it is sent to. Absent: `one`. */
    readonly to?: 'one' | 'other'
    /** Whose call it names, or what. Absent: that of the session. */
    readonly call?: string
    readonly body: object
    readonly headers?: Readonly<Record<string, string>>
  }[]
  readonly atOnce?: boolean
}

const approve = { verdict: 'approved' }
const about = { verdict: 'approved', digest: '{digest}' }
const deny = { verdict: 'denied' }
const edit = (args: object) => ({ verdict: 'edited', args })
const key = { 'idempotency-key': 'hostile-key' }
const waits = String.raw`0 times \(nothing, waited still\)`
const once = String.raw`1 times \("as asked"\)`
const denied = String.raw`0 times \(nothing\)`
const then = (answers: string, one: string, other = waits): RegExp =>
  new RegExp(`^${answers}; ran ${one} and ${other}$`)
const cases = (...decisions: Replay['decisions']): Replay => ({ decisions })

const rows: readonly Row<Replay>[] = [
  ['the decision that is right', cases({ body: about }), then('202', once)],
  [
    'about the arguments of the other call',
    cases({ body: { ...approve, digest: '{other}' } }),
    then('409 approval_changed', waits),
  ],
  [
    'sent again to the other session',
    cases({ body: about }, { to: 'other', body: about }),
    then('202, 409 \\w+', once),
  ],
  [
    'sent again with the name of the first call',
    cases({ body: about }, { to: 'other', call: 'one', body: about }),
    then('202, 4\\d\\d \\w+', once),
  ],
  [
    'sent again to the same call',
    cases({ body: about }, { body: about }, { body: about }),
    then('202, \\d+( \\w+)?, \\d+( \\w+)?', once),
  ],
  ['sent again after a denial', cases({ body: deny }, { body: about }), then('202, 409 approval_decided', denied)],
  ['taken back after it was made', cases({ body: about }, { body: deny }), then('202, 409 approval_decided', once)],
  [
    'made about what was edited since',
    cases({ body: edit({ path: 'edited.txt', content: 'x' }) }, { body: about }),
    then('202, 4\\d\\d \\w+', '1 times \\(nothing\\)'),
  ],
  [
    'with the key of another decision',
    cases({ body: about, headers: key }, { to: 'other', body: about, headers: key }),
    then('202, 4\\d\\d \\w+', once),
  ],
  [
    'with a key, then something else',
    cases(
      { body: deny, headers: { 'idempotency-key': 'second' } },
      { body: about, headers: { 'idempotency-key': 'second' } },
    ),
    then('202, 4\\d\\d \\w+', denied),
  ],
  ['by nobody', cases({ body: about, headers: { authorization: '' } }), then('401 unauthorized', waits)],
  [
    'by a token that is forged',
    cases({ body: about, headers: { authorization: `Bearer reins_admin_${'0'.repeat(43)}` } }),
    then('401 unauthorized', waits),
  ],
  [
    'from a page elsewhere',
    cases({ body: about, headers: { origin: 'http://evil.example' } }),
    then('403 \\w+', waits),
  ],
  ['an edit that leads outside', cases({ body: edit({ path: '../outside.txt', content: 'x' }) }), then('202', denied)],
  ['an edit without what the tool needs', cases({ body: edit({ file: 'x' }) }), then('400 invalid_request', waits)],
  [
    'an edit with an argument too many',
    cases({ body: edit({ path: 'x', content: 'x', mode: 777 }) }),
    then('400 invalid_request', waits),
  ],
  ['an edit that changes nothing', cases({ body: edit({}) }), then('400 invalid_request', waits)],
  [
    'arguments with a denial',
    cases({ body: { ...deny, args: { path: 'x', content: 'x' } } }),
    then('400 invalid_request', waits),
  ],
  ['a grant with a denial', cases({ body: { ...deny, scope: 'tool' } }), then('400 invalid_request', waits)],
  ['a grant for all sessions', cases({ body: { ...approve, scope: 'agent' } }), then('400 invalid_request', waits)],
  ['a grant of one session, for the other', cases({ body: { ...approve, scope: 'tool' } }), then('202', once)],
  [
    'twenty at once',
    { decisions: Array.from({ length: 20 }, () => ({ body: about })), atOnce: true },
    then('(\\d+( \\w+)?, ){19}\\d+( \\w+)?', once),
  ],
  [
    'twenty at once, half of them denials',
    { decisions: Array.from({ length: 20 }, (_, at) => ({ body: at % 2 === 0 ? about : deny })), atOnce: true },
    then('(\\d+( \\w+)?, ){19}\\d+( \\w+)?', `(${once}|${denied})`),
  ],
]

export const replays = kindOf<Replay>(
  'replays of decisions',
  'decisions sent again, to another call, about other arguments, by nobody or many at once, over the HTTP API of a running product',
  rows,
)
