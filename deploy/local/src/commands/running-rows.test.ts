// What doctor tells people to do about a part that is not well: each state of a disk has words of its own.
import { expect, test } from 'vitest'
import { hintFor } from './running-rows.ts'

test.each([
  ['disk', 'the disk of the data folder is 93 % full: no session is started from 90 % on', /^Make room/],
  ['disk', 'the disk of the data folder is 98 % full: nothing is appended from 97 % on', /^Make room/],
  ['nats-server', 'away: it cannot be started again: the disk of /data is full: make room', /^Make room/],
  ['postgres', 'sick: could not extend file "base/1/2": No space left on device', /^Make room/],
  ['nats-server', 'sick: /data cannot be written: EROFS: read-only file system, open', /may only be read/],
  ['nats-server', 'sick: write error: read /data/1.blk: input/output error', /^The disk fails/],
  ['appends', 'nats-server is sick: i/o error', /^The disk fails/],
  ['nats-server', 'sick: /data cannot be written: EDQUOT: disk quota exceeded, write', /quota/],
  ['nats-server', 'sick: /data cannot be written: EACCES: permission denied, open', /the right to write/],
  ['nats-server', 'away: it has ended', /^It is away/],
  ['broker', 'not connected', /^It is away/],
  ['nats-server', 'sick: JetStream is disabled', /^It runs, and cannot write/],
  ['postgres', 'sick: Postgres does not answer', /lists are out of date/],
  ['sessions', '2 sessions cannot be read, because', /reins session verify --all/],
  ['index', 'stopped at sequence 7', /^Look for "index"/],
])('%s, %s', (part, state, hint) => {
  expect(hintFor(part, state)).toMatch(hint)
})
