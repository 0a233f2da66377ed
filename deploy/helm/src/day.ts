// A day of a pool that KEDA scales, second by second, by the rules of a rendered ScaledObject: what work waits for, and how much of the
// processes nobody used. `node deploy/helm/src/day.ts` prints the table of docs/scale.md.
//   DY1. Work comes by chance (seeded), twenty times as much at noon as at night. Each piece takes a slot from its beginning to its end.
//   DY2. An autoscaler sees what was scraped last. The horizontal pod autoscaler looks each 15 s: up at once, by four or to the double; down
//        once a minute, to half at most, and not below what it wanted within the stabilization window. KEDA itself starts the first, and
//        ends the last after its cooldown.
import { readFileSync } from 'node:fs'
import { parseAllDocuments } from 'yaml'
import { renderedFile } from './render.ts'

export interface Rules {
  readonly min: number
  readonly max: number
  readonly perProcess: number
  readonly oldestSeconds: number
  readonly pollingSeconds: number
  readonly cooldownSeconds: number
  readonly stabilizationSeconds: number
}

export interface Load {
  /** Pieces a second at noon. */
  readonly peak: number
  /** Seconds that a piece takes, on average. */
  readonly takes: number
  /** Of a process. */
  readonly slots: number
}

export interface Day {
  readonly pieces: number
  /** Seconds from its coming to its beginning. */
  readonly waited: { readonly p50: number; readonly p99: number; readonly most: number }
  /** Of the seconds that processes ran: those beyond what `perProcess` would have needed, in percent. */
  readonly wasted: number
  readonly most: number
}

interface ScaledObject {
  readonly kind: string
  readonly metadata: { readonly name: string }
  readonly spec: {
    readonly minReplicaCount: number
    readonly maxReplicaCount: number
    readonly pollingInterval: number
    readonly cooldownPeriod: number
    readonly advanced: {
      readonly horizontalPodAutoscalerConfig: {
        readonly behavior: { readonly scaleDown: { readonly stabilizationWindowSeconds: number } }
      }
    }
    readonly triggers: readonly { readonly name: string; readonly metadata: { readonly threshold: string } }[]
  }
}

/** Of a pool in rendered/scaled.yaml. */
export function rulesOf(pool: string): Rules {
  const all = parseAllDocuments(readFileSync(renderedFile('scaled'), 'utf8')).map((one) => one.toJS() as ScaledObject)
  const found = all.find((one) => one?.kind === 'ScaledObject' && one.metadata.name === `reins-${pool}`)
  if (!found) throw new Error(`There is no ScaledObject of ${pool}.`)
  const { spec } = found
  const threshold = (name: string): number =>
    Number(spec.triggers.find((trigger) => trigger.name === name)?.metadata.threshold)
  return {
    ...{ min: spec.minReplicaCount, max: spec.maxReplicaCount },
    ...{ perProcess: threshold('work'), oldestSeconds: threshold('age') },
    ...{ pollingSeconds: spec.pollingInterval, cooldownSeconds: spec.cooldownPeriod },
    stabilizationSeconds: spec.advanced.horizontalPodAutoscalerConfig.behavior.scaleDown.stabilizationWindowSeconds,
  }
}

const daySeconds = 86_400
const scrapeSeconds = 15
const lookSeconds = 15
const startSeconds = 20

export function simulateDay(rules: Rules, load: Load, seed = 7): Day {
  const chance = random(seed)
  const waiting: number[] = []
  let first = 0
  const ends = new Map<number, number>()
  let busy = 0
  const starting: number[] = []
  let ready = rules.min
  let scraped = { work: 0, oldest: 0 }
  let workSeen = Number.NEGATIVE_INFINITY
  const wanted: { readonly at: number; readonly count: number }[] = []
  const waits: number[] = []
  let [ran, needed, most] = [0, 0, 0]
  const scaleTo = (count: number, now: number): void => {
    while (ready + starting.length < count) starting.push(now + startSeconds)
    // What has not begun is left out first; what ends gives its work back, which others have room for.
    while (ready + starting.length > count) if (starting.pop() === undefined) ready -= 1
  }
  for (let now = 0; now < daySeconds; now++) {
    for (let more = poisson(load.peak * shareAt(now), chance); more > 0; more--) waiting.push(now)
    busy -= ends.get(now) ?? 0
    ends.delete(now)
    while (starting[0] !== undefined && starting[0] <= now) {
      starting.shift()
      ready += 1
    }
    while (first < waiting.length && busy < ready * load.slots) {
      const end = now + Math.max(1, Math.ceil(-Math.log(1 - chance()) * load.takes))
      ends.set(end, (ends.get(end) ?? 0) + 1)
      waits.push(now - (waiting[first] ?? now))
      first += 1
      busy += 1
    }
    const work = waiting.length - first + busy
    if (now % scrapeSeconds === 0)
      scraped = { work, oldest: first < waiting.length ? now - (waiting[first] ?? now) : 0 }
    const there = ready + starting.length
    if (now % rules.pollingSeconds === 0) {
      if (scraped.work > 0) workSeen = now
      if (there === 0 && scraped.work > 0) scaleTo(1, now)
      if (rules.min === 0 && there > 0 && now - workSeen > rules.cooldownSeconds) scaleTo(0, now)
    }
    if (now % lookSeconds === 0 && there > 0) {
      const byAge = scraped.oldest / rules.oldestSeconds
      const asked = Math.max(
        Math.ceil(scraped.work / rules.perProcess),
        byAge > 1.1 ? Math.ceil(there * byAge) : Math.ceil(there * Math.min(byAge, 1)),
        Math.max(rules.min, 1),
      )
      wanted.push({ at: now, count: asked })
      while ((wanted[0]?.at ?? now) < now - rules.stabilizationSeconds) wanted.shift()
      if (asked > there) scaleTo(Math.min(asked, rules.max, Math.max(there + 4, there * 2)), now)
      const settled = Math.max(...wanted.map(({ count }) => count))
      if (settled < there && now % 60 === 0) scaleTo(Math.max(settled, Math.floor(there / 2), 1), now)
    }
    ran += ready + starting.length
    needed += Math.min(Math.ceil(work / rules.perProcess), ready + starting.length)
    most = Math.max(most, ready + starting.length)
  }
  const sorted = waits.toSorted((a, b) => a - b)
  const at = (share: number): number => sorted[Math.min(sorted.length - 1, Math.floor(sorted.length * share))] ?? 0
  return {
    pieces: sorted.length,
    waited: { p50: at(0.5), p99: at(0.99), most: at(1) },
    wasted: ran === 0 ? 0 : Math.round((100 * (ran - needed)) / ran),
    most,
  }
}

/** DY1: of the peak. */
const shareAt = (second: number): number =>
  0.05 + 0.95 * Math.max(0, -Math.cos((2 * Math.PI * second) / daySeconds)) ** 2

/** Mulberry32. */
function random(seed: number): () => number {
  let state = seed
  return () => {
    state = (state + 0x6d2b79f5) | 0
    let mixed = Math.imul(state ^ (state >>> 15), 1 | state)
    mixed = (mixed + Math.imul(mixed ^ (mixed >>> 7), 61 | mixed)) ^ mixed
    return ((mixed ^ (mixed >>> 14)) >>> 0) / 4_294_967_296
  }
}

function poisson(mean: number, chance: () => number): number {
  const limit = Math.exp(-mean)
  let [count, product] = [0, chance()]
  while (product > limit) {
    count += 1
    product *= chance()
  }
  return count
}

/** What the table is about: work without labels, and with one of two. */
export const pools: Readonly<Record<string, Load>> = {
  'executor-default': { peak: 20, takes: 30, slots: 1_000 },
  'executor-batch': { peak: 5, takes: 120, slots: 1_000 },
  'executor-browser': { peak: 0.5, takes: 40, slots: 1_000 },
  'tool-runner-default': { peak: 15, takes: 4, slots: 64 },
  'tool-runner-browser': { peak: 0.2, takes: 8, slots: 64 },
}

export function dayTable(): string {
  const rows = Object.entries(pools).map(([pool, load]) => {
    const { pieces, waited, wasted, most } = simulateDay(rulesOf(pool), load)
    return `| \`${pool}\` | ${load.peak}/s, ${load.takes} s each | ${pieces} | ${waited.p50} s | ${waited.p99} s | ${waited.most} s | ${most} | ${wasted} % |`
  })
  return rows.join('\n')
}

if (import.meta.main) process.stdout.write(`${dayTable()}\n`)
