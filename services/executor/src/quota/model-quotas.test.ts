import { expect, test } from 'vitest'
import type { ModelQuota } from '@reins/models'
import { ModelQuotas } from './model-quotas.ts'

const quota = (limit: ModelQuota['limit'] = {}): ModelQuota => ({ bucket: 'b', name: 'lab', limit })

/** Executors that hear each other, with a clock stepped by hand. */
class Fleet {
  now = 0
  readonly members = new Map<string, ModelQuotas>()
  /** What each has let begin: `executor session`. */
  readonly begun: string[] = []
  readonly alone: string[] = []
  /** Who does not know that another one lives. */
  readonly unaware = new Map<string, string>()
  /** Whom nobody hears. */
  readonly deaf = new Set<string>()
  messages = 0
  #later: { readonly at: number; readonly run: () => void }[] = []

  constructor(...names: readonly string[]) {
    for (const name of names) this.join(name)
    this.pass(1_000)
  }

  join(name: string): ModelQuotas {
    const to = (other: string): ModelQuotas | undefined => {
      this.messages++
      return this.deaf.has(name) || this.deaf.has(other) ? undefined : this.members.get(other)
    }
    const others = () => [...this.members.keys()].filter((other) => other !== name)
    const member = new ModelQuotas({
      instance: name,
      now: () => this.now,
      clock: () => 1_000_000_000_000 + this.now,
      sharers: () =>
        others().filter((other) => this.members.get(other)?.settled() === true && this.unaware.get(name) !== other),
      ask: (owner, demand) => this.after(1, () => to(owner)?.heardDemand(demand)),
      tell: (what: string, said: never) => {
        for (const other of others())
          this.after(1, () => {
            const peer = to(other)
            if (what === 'granted') peer?.heardGranted(said)
            if (what === 'refused') peer?.heardRefused(said)
            if (what === 'spent') peer?.heardSpent(said)
          })
      },
      after: (ms, run) => this.after(ms, run),
      metrics: { waited: () => undefined, ownShare: () => void this.alone.push(name) },
    })
    this.members.set(name, member)
    return member
  }

  after(ms: number, run: () => void): () => void {
    const one = { at: this.now + ms, run }
    this.#later.push(one)
    return () => {
      this.#later = this.#later.filter((other) => other !== one)
    }
  }

  pass(ms: number): void {
    for (const end = this.now + ms; this.now < end; ) {
      this.now++
      for (;;) {
        const due = this.#later.filter(({ at }) => at <= this.now)
        if (due.length === 0) break
        this.#later = this.#later.filter((one) => !due.includes(one))
        for (const { run } of due) run()
      }
      if (this.now % 250 === 0) for (const member of this.members.values()) member.tick()
    }
  }

  die(name: string): void {
    this.members.get(name)?.close()
    this.members.delete(name)
  }

  /** A session asks at an executor. */
  async asks(at: string, session: string, of = quota(), principal = 'p', group = 'a') {
    const member = this.members.get(at)
    if (member?.free(of)) return void this.begun.push(`${at} ${session}`)
    const who = { session, principal, group, pool: 'default' }
    return member?.wait(of, who, () => void (this.members.has(at) && this.begun.push(`${at} ${session}`)))
  }

  async passes(ms: number): Promise<void> {
    for (let left = ms; left > 0; left -= 50) {
      this.pass(Math.min(50, left))
      await Promise.resolve()
    }
  }
}

test('a provider without a limit that has refused nobody is asked without a word', async () => {
  const fleet = new Fleet('a', 'b')
  for (let at = 0; at < 100; at++) await fleet.asks('b', `s${at}`)
  expect(fleet.begun).toHaveLength(100)
  expect(fleet.messages).toBe(0)
})

test('two executors share one limit, in any minute', async () => {
  const fleet = new Fleet('a', 'b')
  const limited = quota({ requests: 60 })
  const at: number[] = []
  for (let one = 0; one < 200; one++) await fleet.asks(one % 2 ? 'a' : 'b', `s${one}`, limited)
  for (let ms = 0; ms < 120_000; ms += 500) {
    await fleet.passes(500)
    while (at.length < fleet.begun.length) at.push(fleet.now)
  }
  const mostInAMinute = Math.max(...at.map((first) => at.filter((one) => one >= first && one < first + 60_000).length))
  expect(mostInAMinute).toBeLessThanOrEqual(60)
  expect(at.length).toBeGreaterThan(110)
  const [ofA = 0, ofB = 0] = ['a', 'b'].map((name) => fleet.begun.filter((one) => one.startsWith(name)).length)
  expect(Math.abs(ofA - ofB)).toBeLessThan(10)
  expect(fleet.alone).toEqual([])
})

test('what one executor is refused, all of them leave alone for as long', async () => {
  const fleet = new Fleet('a', 'b')
  fleet.members.get('b')?.refused(quota(), 20_000)
  fleet.pass(2)
  await fleet.asks('a', 's1')
  await fleet.asks('b', 's2')
  await fleet.passes(19_500)
  expect(fleet.begun).toEqual([])
  expect(fleet.members.get('a')?.queued()).toMatchObject([
    { session: 's1', throttled: expect.stringContaining('lab has refused calls, and is asked again at') },
  ])
  await fleet.passes(1_000)
  expect(fleet.begun).toHaveLength(1)
  await fleet.passes(1_000)
  expect(fleet.begun).toHaveLength(2)
})

test('principals take turns over all executors: a thousand of one keep one of another waiting for one', async () => {
  const fleet = new Fleet('a', 'b')
  const limited = quota({ requests: 60 })
  for (let one = 0; one < 500; one++) await fleet.asks('a', `many${one}`, limited, 'many', `agent${one % 2}`)
  await fleet.passes(2_000)
  const before = fleet.begun.length
  await fleet.asks('b', 'single', limited, 'single')
  await fleet.passes(3_000)
  expect(fleet.begun.slice(before, before + 2)).toContain('b single')
})

test('when the owner dies another goes on, from what was left', async () => {
  const fleet = new Fleet('a', 'b', 'c')
  const limited = quota({ requests: 60 })
  for (let one = 0; one < 100; one++) await fleet.asks(one % 2 ? 'b' : 'c', `s${one}`, limited)
  await fleet.passes(10_000)
  const before = fleet.begun.length
  expect(before).toBeGreaterThanOrEqual(12)
  fleet.die('a')
  await fleet.passes(10_000)
  const more = fleet.begun.length - before
  expect(more).toBeGreaterThanOrEqual(7)
  expect(more).toBeLessThanOrEqual(10)
  expect(fleet.alone).toEqual([])
})

test('where the owner does not answer, each goes on by its own share', async () => {
  const fleet = new Fleet('a', 'b')
  fleet.deaf.add('a')
  const limited = quota({ requests: 60 })
  for (let one = 0; one < 100; one++) await fleet.asks('b', `s${one}`, limited)
  await fleet.passes(61_500)
  expect(fleet.alone.length).toBeGreaterThan(25)
  expect(fleet.begun.length).toBeLessThanOrEqual(36)
})

test('two that both take themselves for the owner let no more begin than the limit says', async () => {
  const fleet = new Fleet('a', 'b', 'c')
  const limited = quota({ requests: 120 })
  fleet.unaware.set('b', 'a')
  for (let one = 0; one < 400; one++) await fleet.asks(one % 2 ? 'b' : 'c', `s${one}`, limited)
  await fleet.passes(60_000)
  for (const name of ['b', 'c']) expect(fleet.begun.filter((one) => one.startsWith(name)).length).toBeGreaterThan(10)
  // Both may have let the first tenth begin before they heard of each other.
  expect(fleet.begun.length).toBeLessThanOrEqual(120 + 12)
})

test('who waits no more is let nothing, and the next one has its turn', async () => {
  const fleet = new Fleet('a', 'b')
  const limited = quota({ requests: 1 })
  await fleet.asks('b', 's1', limited)
  await fleet.passes(500)
  const place = await fleet.asks('b', 's2', limited)
  await fleet.asks('b', 's3', limited)
  await fleet.passes(500)
  place?.leave()
  await fleet.passes(125_000)
  expect(fleet.begun).toEqual(['b s1', 'b s3'])
})

test('tokens that were used count for everybody', async () => {
  const fleet = new Fleet('a', 'b')
  const limited = quota({ tokens: 60_000 })
  await fleet.asks('b', 's1', limited)
  await fleet.passes(500)
  expect(fleet.begun).toEqual(['b s1'])
  fleet.members.get('b')?.spent(limited, 24_000)
  fleet.pass(2)
  await fleet.asks('a', 's2', limited)
  await fleet.passes(15_000)
  expect(fleet.begun).toEqual(['b s1'])
  await fleet.passes(6_000)
  expect(fleet.begun).toEqual(['b s1', 'a s2'])
})
