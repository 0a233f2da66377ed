// What the cases share: the survivors, and a pool of its own for each case, so that cases run side by side and no victim is hit by
// another case's work. A case is a title, and what it does; it throws what is wrong.
import { eventually } from '../harness/eventually.ts'
import type { Follower } from '../harness/follower.ts'
import type { ServiceProcess } from '../harness/service-process.ts'
import type { StoredFrame } from '../harness/stored-log.ts'
import type { World } from '../harness/world.ts'

export interface Case {
  /** Letters and hyphens: the agent's name, the label of its pool, the name of the file that its tools write to. */
  readonly slug: string
  readonly title: string
  run(bench: Bench): Promise<void>
}

export interface Watched {
  readonly session: string
  readonly followers: readonly Follower[]
}

/** Sessions that are begun for one victim. Each second one hits it; what is longer is no chance. */
const mostTries = 20

export class Bench {
  readonly world: World
  readonly slug: string

  constructor(world: World, slug: string) {
    this.world = world
    this.slug = slug
  }

  /** The survivors serve every pool. */
  static labels(cases: readonly Case[]): Readonly<Record<string, string>> {
    return Object.fromEntries(cases.map(({ slug }) => [slug, 'true']))
  }

  get labels(): Readonly<Record<string, string>> {
    return { [this.slug]: 'true' }
  }

  /** A process that serves this case's pool, and stops where it is told to. */
  victim(name: 'executor' | 'tool-runner', pauseAt?: string): Promise<ServiceProcess> {
    return this.world.start(name, { labels: this.labels, ...(pauseAt === undefined ? {} : { pauseAt }) })
  }

  agent(): Promise<string> {
    return this.world.agent(this.slug, { affinity: this.labels })
  }

  /** A command that leaves one line behind for each time that it runs. */
  leavesLine(more = ''): string {
    return `!shell echo "$REINS_IDEMPOTENCY_KEY" >> ${this.slug}.txt${more}`
  }

  /** How often the calls of a session ran. */
  ran(session: string): number {
    return this.world.lines(`${this.slug}.txt`).filter((line) => line.startsWith(`${session}/`)).length
  }

  /** A session with two followers, on two gateways. */
  async begin(message: string): Promise<Watched> {
    const { session } = await this.world.api.create(this.slug, message)
    return { session: session.id, followers: [0, 1].map((gateway) => this.world.follow(session.id, gateway)) }
  }

  /**
   * Begins sessions until the victim stands at its point: who gets a trigger is the broker's choice. A session that another process has
   * taken (`taken`: by this event) is not waited for: it may take long, and the broker, which serves those who wait in turns, would have
   * begun anew with the same one by then. All that were begun; the last is the one that hit the victim.
   */
  async untilPaused(
    victim: ServiceProcess,
    message: string,
    taken: 'tool-call.started' | 'model-call.started' = 'tool-call.started',
  ): Promise<readonly Watched[]> {
    const begun: Watched[] = []
    while (!victim.isPaused()) {
      if (!victim.alive() || begun.length === mostTries)
        throw new Error(
          `${victim.name} did not come to its point in ${begun.length} sessions\n${victim.log().join('\n')}`,
        )
      const watched = await this.begin(message)
      begun.push(watched)
      const missed = async (): Promise<boolean> => {
        const { atRest, log } = await this.world.checked(watched.session)
        const claim = eventsOf(log).find(({ type }) => type === taken)
        return atRest || (claim !== undefined && victim.instance() !== undefined && claim.by !== victim.instance())
      }
      await eventually(async () => victim.isPaused() || (await missed()), {
        describe: () =>
          `${victim.name} stands at its point, or ${watched.session} goes on without it\n${victim.log().join('\n')}`,
        withinMs: 45_000,
      })
    }
    return begun
  }

  /** Waits for a text that is not there yet. */
  seen(read: () => Promise<string>): Promise<string> {
    return eventually(async () => (await read()) || undefined)
  }

  /** Rest, a log without fault, followers that saw exactly it; then the log. */
  async sound({ session, followers }: Watched): Promise<readonly StoredFrame[]> {
    const problems = await this.world.verdict(session, followers)
    for (const follower of followers) follower.close()
    if (problems.length > 0) throw new Error(problems.join('\n'))
    return this.world.readLog(session)
  }

  async allSound(watched: readonly Watched[]): Promise<readonly (readonly StoredFrame[])[]> {
    return Promise.all(watched.map((one) => this.sound(one)))
  }
}

export const eventsOf = (log: readonly StoredFrame[]) =>
  log.flatMap(({ frame }) => frame.events.map((event) => ({ ...event, by: frame.by, n: frame.n })))

/** How many events of a type there are; `with_`: only those whose data have these values. */
export function countOf(
  log: readonly StoredFrame[],
  type: string,
  having: Readonly<Record<string, unknown>> = {},
): number {
  return eventsOf(log).filter(
    (event) =>
      event.type === type &&
      Object.entries(having).every(([key, value]) => (event.data as Record<string, unknown>)[key] === value),
  ).length
}

/**
 * What is wrong with the text that followers were shown of the first answer: it is the answer from its beginning on, without a gap. Its end
 * may be missing: text and events come over two connections, and the event that holds the whole answer may overtake the last of its text.
 */
export function wrongIn(followers: readonly Follower[], log: readonly StoredFrame[]): readonly string[] {
  const completed = eventsOf(log).find(({ type }) => type === 'model-call.completed')
  const content = completed?.type === 'model-call.completed' ? completed.data.content : []
  const answer = content.flatMap((part) => (part.type === 'text' ? [part.text] : [])).join('')
  return followers.flatMap(({ blocks, gaps }) => {
    const shown = textOf(blocks, attemptOf(log))
    if (shown !== '' && answer.startsWith(shown) && gaps === 0) return []
    return [`${gaps} gaps, and of ${JSON.stringify(answer)} was shown: ${JSON.stringify(shown)}`]
  })
}

/** Of the model call that was completed first. */
export function attemptOf(log: readonly StoredFrame[]): number {
  for (const event of eventsOf(log)) if (event.type === 'model-call.completed') return event.data.attempt
  return 0
}

/** What a follower was shown of an attempt. */
export const textOf = (blocks: ReadonlyMap<string, string>, attempt: number): string =>
  [...blocks].flatMap(([key, text]) => (key.split('/')[1] === String(attempt) ? [text] : [])).join('')
