// The lines of what is measured with many sessions, calls or viewers at once, each on a product of its own. Pure.
import type { SessionsAtRest } from '../crowd/sessions-at-rest.ts'
import type { Waiting, WaitsFor } from '../crowd/waiting.ts'
import type { Spread } from './numbers.ts'
import { one, type Row, three } from './row.ts'
import type { Visit } from './visit.ts'

/** What is timed with sessions at rest, and the p99 that it has to keep, where there is one. */
const timedAtRest: readonly (readonly [string, (rest: SessionsAtRest) => Spread, number?])[] = [
  ['a hot turn', ({ hot }) => hot],
  ['hot turns while ten clients open old ones', ({ hotBeside }) => hotBeside],
  ['reading an old one', ({ read }) => read, 10],
  ['a message for an old one', ({ append }) => append, 10],
  ['newest page of the list', ({ list }) => list, 10],
  ['a page far down', ({ deepPage }) => deepPage, 10],
  ['by a status that few have', ({ byStatus }) => byStatus, 10],
  ['the history of an old one', ({ history }) => history, 10],
  ['the state in the middle of one of 15,000 frames', ({ stateAt }) => stateAt],
]

export const crowdRows: readonly Row[] = [
  ...[0, 1].flatMap((at): Row[] => [
    {
      what: `slow model calls under way${at === 0 ? '' : ', many'}: cancel of one`,
      unit: 'ms (calls)',
      budget: '≤ 50',
      figures: ({ full }) => full?.[at] && [full[at].cancelMs, full[at].calls],
      limit: () => 50,
    },
    {
      what: `slow model calls under way${at === 0 ? '' : ', many'}: plain turns beside them`,
      unit: 'ms',
      budget: '≤ 1.5 × alone',
      raw: ({ full }) => full?.[at]?.alone.p50,
      figures: ({ full }) => full?.[at] && (three(full[at].turns) ?? [Number.POSITIVE_INFINITY]),
      limit: ({ full }) => full?.[at] && 1.5 * full[at].alone.p50,
    },
  ]),
  ...[200, 500].flatMap((streams, at): Row[] => [
    {
      what: `${streams} answers of 50 tokens/s: delivered`,
      unit: '/s',
      budget: '≥ 98 % of a bare relay',
      more: true,
      raw: ({ fleet }) => fleet?.[at]?.bare.delivered,
      figures: ({ fleet }) => one(fleet?.[at]?.delivered),
      limit: ({ fleet }) => fleet?.[at] && 0.98 * fleet[at].bare.delivered,
    },
    {
      what: `${streams} answers of 50 tokens/s: a token, model → client`,
      unit: 'ms',
      budget: 'p50 ≤ 5 more than a bare relay',
      raw: ({ fleet }) => fleet?.[at]?.bare.ms.p50,
      figures: ({ fleet }) => three(fleet?.[at]?.ms),
      limit: ({ fleet }) => fleet?.[at] && 5 + fleet[at].bare.ms.p50,
    },
    {
      what: `${streams} answers of 50 tokens/s: CPU a thousand tokens`,
      unit: 'ms',
      budget: streams === 200 ? '≤ 2 × a bare relay' : '',
      raw: ({ fleet }) => fleet?.[at]?.bare.cpuPerThousand,
      figures: ({ fleet }) => one(fleet?.[at]?.cpuPerThousand),
      ...(streams === 200 ? { limit: ({ fleet }: Visit) => fleet?.[at] && 2 * fleet[at].bare.cpuPerThousand } : {}),
    },
  ]),
  {
    what: '2,000 readers that read nothing: memory of the gateway, of the kernel; cut',
    unit: 'MB',
    budget: '≤ 150',
    figures: ({ stalled }) => stalled && [stalled.memory, stalled.kernel, stalled.cut],
    limit: () => 150,
  },
  {
    what: '2,000 readers that read nothing: p99 of others’ tokens',
    unit: 'ms',
    budget: '≤ 5 more than alone',
    raw: ({ stalled }) => stalled?.alone.p99,
    figures: ({ stalled }) => stalled && [stalled.beside.p99, stalled.beside.p50],
    limit: ({ stalled }) => stalled && stalled.alone.p99 + 5,
  },
  {
    what: 'a viewer joins a running answer of a long session: first delta',
    unit: 'ms (frames)',
    budget: '≤ 50',
    figures: ({ joining }) => joining && [joining.firstDeltaMs, joining.frames],
    limit: () => 50,
  },
  ...([0, 1] as const).flatMap(restRows),
  {
    what: 'runs that sleep: memory of one, in Reins; in nats-server',
    unit: 'KB (of runs)',
    budget: '',
    figures: ({ sleepers }) => sleepers && [sleepers.productKb, sleepers.natsKb, sleepers.runs],
  },
  {
    what: 'runs that sleep: how much too late they wake, 50 a second',
    unit: 'ms',
    budget: '',
    figures: ({ sleepers }) => three(sleepers?.late),
  },
  {
    what: 'runs that sleep: ended by another build than their own, deployed meanwhile (then: started a second)',
    unit: 'runs',
    budget: '0',
    figures: ({ sleepers }) => sleepers && [sleepers.changed, sleepers.startedPerSecond],
    limit: () => 0,
  },
  {
    what: 'very many archived sessions: from start to ready (with an empty archive; sessions)',
    unit: 'ms',
    budget: '≤ 1.5 × that of an empty archive',
    figures: ({ archived }) => archived && [archived.startMs.p50, archived.emptyStartMs.p50, archived.sessions],
    limit: ({ archived }) => archived && 1.5 * archived.emptyStartMs.p50,
  },
  {
    what: 'very many archived sessions: memory of Reins behind a start (of nats-server; both with an empty archive)',
    unit: 'MB',
    budget: '',
    figures: ({ archived }) =>
      archived && [
        ...[archived.memory.resident, archived.memory.nats],
        ...[archived.emptyMemory.resident, archived.emptyMemory.nats],
      ],
  },
  {
    what: 'very many archived sessions: the history of one',
    unit: 'ms',
    budget: '',
    figures: ({ archived }) => three(archived?.read),
  },
  {
    what: 'very many archived sessions: a turn in one (then archived a second)',
    unit: 'ms',
    budget: '',
    figures: ({ archived }) => archived && [...(three(archived.turn) ?? []), archived.archivedPerSecond],
  },
  ...(['model', 'person', 'timer'] as const).flatMap(waitingRows),
  {
    what: 'very many that wait for a person: memory of one, in Reins (its heaps; nats-server; sessions)',
    unit: 'KB',
    budget: '≤ 0.1, nothing but their frames',
    figures: ({ manyWaiting: many }) =>
      many && [many.memoryKb.resident, many.memoryKb.heap, many.memoryKb.nats, many.sessions],
    limit: () => 0.1,
  },
  {
    what: 'very many that wait for a person: a hundred are approved at once, until their turns are over',
    unit: 'ms',
    budget: '',
    figures: ({ manyWaiting: many }) => three(many?.goOnMs),
  },
]

/** `at` 1: very many, held against the few of the same visit too. */
function restRows(at: 0 | 1): Row[] {
  const sessions = at === 0 ? '1,000 sessions at rest' : 'very many sessions at rest'
  const of = ({ atRest }: Visit): SessionsAtRest | undefined => atRest?.[at]
  const timed = timedAtRest.map(
    ([what, spreadOf, limit]): Row => ({
      what: `${sessions}: ${what} (p99, p50)`,
      unit: 'ms',
      budget: limit === undefined ? '' : `p99 ≤ ${limit}`,
      figures: (visit) => {
        const rest = of(visit)
        return rest && [spreadOf(rest).p99, spreadOf(rest).p50]
      },
      ...(limit === undefined ? {} : { limit: () => limit }),
    }),
  )
  const held = timedAtRest.map(
    ([what, spreadOf]): Row => ({
      what: `${sessions}: ${what}, p50 against that with 1,000`,
      unit: '×',
      budget: '≤ 1.5',
      figures: ({ atRest }) => atRest?.[0] && atRest[1] && [spreadOf(atRest[1]).p50 / spreadOf(atRest[0]).p50],
      limit: () => 1.5,
    }),
  )
  return [
    ...timed,
    ...(at === 0 ? [] : held),
    {
      what: `${sessions}: opened by those ten (processor of one, in Reins; in nats-server)`,
      unit: '/s (ms)',
      budget: '',
      figures: (visit) => {
        const opened = of(visit)?.opened
        return opened && [opened.perSecond, opened.cpu.reins, opened.cpu.nats]
      },
    },
    {
      what: `${sessions}: consumers when all is done (before)`,
      unit: '',
      budget: '',
      figures: (visit) => of(visit)?.consumers.toReversed(),
    },
    {
      what: `${sessions}: rebuild-index (then sessions made; how many)`,
      unit: 'frames/s, sessions/s',
      budget: '',
      figures: (visit) => {
        const rest = of(visit)
        return rest && [rest.rebuiltPerSecond, rest.madePerSecond, rest.sessions]
      },
    },
    {
      what: `${sessions}: a start on the full folder (memory behind it: Reins; nats-server; Postgres)`,
      unit: 'ms (MB)',
      budget: '',
      figures: (visit) => {
        const started = of(visit)?.started
        return started && [started.ms, started.mb.reins, started.mb.nats, started.mb.postgres]
      },
    },
  ]
}

function waitingRows(waitsFor: WaitsFor): Row[] {
  const of = ({ waiting }: Visit): Waiting | undefined => waiting?.find((found) => found.for === waitsFor)
  const what = `sessions that wait for a ${waitsFor}`
  return [
    {
      what: `${what}: memory of one, in Reins (its heaps; nats-server; sessions)`,
      unit: 'KB',
      budget: '≤ 20',
      figures: (visit) => {
        const found = of(visit)
        return found && [found.memoryKb.resident, found.memoryKb.heap, found.memoryKb.nats, found.sessions]
      },
      limit: () => 20,
    },
    {
      what: `${what}: processor in Reins, in nats-server, while nothing happens`,
      unit: 'ms/s',
      budget: '≤ 20 more than without',
      figures: (visit) => {
        const found = of(visit)
        return found && [found.cpu.reins, found.cpu.nats]
      },
      raw: (visit) => of(visit)?.cpuWithout.reins,
      limit: (visit) => {
        const found = of(visit)
        return found && found.cpuWithout.reins + 20
      },
    },
    {
      what: `${what}: a hundred go on at once, until their turns are over`,
      unit: 'ms',
      budget: '',
      figures: (visit) => three(of(visit)?.goOnMs),
    },
  ]
}
