// What was held at one moment of a soak, and whether it stayed flat. Pure.
export interface Sample {
  readonly turns: number
  /** Turns a second since the sample before. */
  readonly rate: number
  /** By process. MB; `heap` after a collection, `resident` as the kernel has it. */
  readonly processes: readonly {
    readonly name: string
    readonly heap: number
    readonly resident: number
    readonly handles: number
  }[]
  /** JetStream consumers of all streams; subscriptions and connections of the whole server. */
  readonly consumers: number
  readonly subscriptions: number
  readonly connections: number
}

/** The first samples are taken while caches fill: what grows after this share of all turns is a leak. */
const settledAfter = 0.4
/** What may come and go: MB of heap and resident memory, things. */
const slack = { heap: 12, resident: 64, things: 24 }
const mayGrowBy = 1.15

/** What grew and should not have, as sentences. Empty: flat. */
export function growth(samples: readonly Sample[]): readonly string[] {
  const all = samples.at(-1)?.turns ?? 0
  const settled = samples.filter(({ turns }) => turns >= all * settledAfter)
  const third = Math.max(1, Math.floor(settled.length / 3))
  const [early, late] = [settled.slice(0, third), settled.slice(-third)]
  const mean = (of: readonly Sample[], figure: (sample: Sample) => number): number =>
    of.reduce((sum, sample) => sum + figure(sample), 0) / of.length
  const grown = (what: string, figure: (sample: Sample) => number, more: number): string[] => {
    const [before, after] = [mean(early, figure), mean(late, figure)]
    return after > before * mayGrowBy + more
      ? [`${what} grew from ${Math.round(before)} to ${Math.round(after)} between the settled third and the last one`]
      : []
  }
  const names = samples[0]?.processes.map(({ name }) => name) ?? []
  return [
    ...names.flatMap((name) => {
      const of = (sample: Sample, figure: 'heap' | 'resident' | 'handles'): number =>
        sample.processes.find((process) => process.name === name)?.[figure] ?? 0
      return [
        ...grown(`the heap of ${name} (MB)`, (sample) => of(sample, 'heap'), slack.heap),
        ...grown(`the resident memory of ${name} (MB)`, (sample) => of(sample, 'resident'), slack.resident),
        ...grown(`the handles of ${name}`, (sample) => of(sample, 'handles'), slack.things),
      ]
    }),
    ...grown('the consumers', ({ consumers }) => consumers, slack.things),
    ...grown('the subscriptions', ({ subscriptions }) => subscriptions, slack.things),
    ...grown('the connections', ({ connections }) => connections, slack.things),
  ]
}

export const describeSample = ({ turns, rate, processes, consumers, subscriptions, connections }: Sample): string =>
  [
    `${turns} turns (${rate}/s)`,
    ...processes.map(({ name, heap, resident, handles }) => `${name} ${heap}/${resident} MB ${handles} handles`),
    `consumers ${consumers}, subscriptions ${subscriptions}, connections ${connections}`,
  ].join(' | ')
