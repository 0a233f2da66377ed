// The lines of the table: what is measured, its budget (ARCHITECTURE), and how both are read off a visit. Pure.
import type { SessionsAtRest } from '../crowd/sessions-at-rest.ts'
import { median, type Spread } from './numbers.ts'
import type { Visit } from './visit.ts'

export interface Row {
  readonly what: string
  readonly unit: string
  /** As people read it; '' where there is none. */
  readonly budget: string
  /** The bare cost of the machine that belongs to it. */
  raw?(visit: Visit): number | undefined
  /** Figures of one visit, the judged one first. */
  figures(visit: Visit): readonly number[] | undefined
  /** The judged figure must not be above it, or with `more` not below it. undefined: no budget in this configuration. */
  limit?(visit: Visit): number | undefined
  readonly more?: boolean
}

const appendsOfToolTurn = 6
/** The decision, and the call that is asked of the runners in a frame of its own. */
const appendsOfApproval = 2
/** The start of a run, and its replay with its end. */
const appendsOfRun = 3
/** In the run: the prompt, what came of it, and the replays around it; below it: the session, its turn and its call. */
const appendsOfPrompt = 7
const shareOfCeiling = 0.85
const unsyncedToolTurns = 2000
const leastAlone = 0.95

/** Processes of a visit that are no part of the product. */
const notOurs = new Set(['nats-server', 'model', 'clock model', 'this client'])

const three = (spread: Spread | undefined): readonly number[] | undefined =>
  spread && [spread.p50, spread.p95, spread.p99]
const one = (value: number | undefined): readonly number[] | undefined => (value === undefined ? undefined : [value])
const synced =
  (limit: number) =>
  ({ durability }: Visit): number | undefined =>
    durability === 'fsync' ? limit : undefined
const perSecond = (visit: Visit, clients: number): number | undefined =>
  clients === 1 || clients === 16 || clients === 64 ? visit.raw.publishesPerSecond[clients] : undefined

const loadRow = (kind: 'tool' | 'plain', clients: number): Row => ({
  what: `${kind} turns/s, ${clients} client${clients === 1 ? '' : 's'}`,
  unit: '/s',
  budget: kind === 'tool' && clients > 1 ? '≥ 85 % of raw ÷ 6; unsynced ≥ 2000' : '',
  more: true,
  raw: (visit) => perSecond(visit, clients),
  figures: (visit) =>
    one((kind === 'tool' ? visit.toolLoad : visit.plainLoad)?.find((load) => load.clients === clients)?.turnsPerSecond),
  ...(kind === 'tool' && clients > 1
    ? {
        limit: (visit: Visit) =>
          visit.durability === 'interval'
            ? unsyncedToolTurns
            : ((perSecond(visit, clients) ?? 0) / appendsOfToolTurn) * shareOfCeiling,
      }
    : {}),
})

const resumeRow = (frames: number, how: 'cold' | 'fromSnapshot', limit?: number): Row => ({
  what: `resume of ${frames} frames, ${how === 'cold' ? 'cold' : 'from a snapshot'}`,
  unit: 'ms',
  budget: limit === undefined ? '' : `≤ ${limit}`,
  figures: (visit) => three(visit.resume?.find((one) => one.frames === frames)?.[how]),
  ...(limit === undefined ? {} : { limit: () => limit }),
})

const recoveryRow = (signal: 'SIGKILL' | 'SIGTERM', limit: number): Row => ({
  what: `executor ${signal === 'SIGKILL' ? 'killed (-9)' : 'stopped (SIGTERM)'} → going on`,
  unit: 'ms',
  budget: `≤ ${limit} (five)`,
  figures: (visit) => {
    const found = visit.recovery?.find((one) => one.signal === signal)
    return found && [median(found.goingOnMs), ...(found.readyMs.length > 0 ? [median(found.readyMs)] : [])]
  },
  limit: ({ processes }) => (processes === 'five' ? limit : undefined),
})

export const rows: readonly Row[] = [
  { what: 'raw: loopback HTTP', unit: 'ms', budget: '', figures: ({ raw }) => three(raw.httpMs) },
  { what: 'raw: 512 bytes and fdatasync', unit: 'ms', budget: '', figures: ({ raw }) => three(raw.fsyncMs) },
  { what: 'raw: conditional publish', unit: 'ms', budget: '', figures: ({ raw }) => three(raw.publishMs) },
  { what: 'raw: model call', unit: 'ms', budget: '', figures: ({ raw }) => three(raw.modelMs) },
  ...([1, 16, 64] as const).map(
    (chains): Row => ({
      what: `raw: publishes/s, ${chains} at once`,
      unit: '/s',
      budget: '',
      more: true,
      figures: ({ raw }) => one(raw.publishesPerSecond[chains]),
    }),
  ),
  {
    what: 'plain turn, new session',
    unit: 'ms',
    budget: 'p50 ≤ 2.2',
    raw: ({ raw }) => 3 * raw.publishMs.p50 + raw.modelMs.p50 + raw.httpMs.p50,
    figures: ({ turns }) => three(turns?.plainFresh),
    limit: synced(2.2),
  },
  {
    what: 'plain turn, turns 2–21',
    unit: 'ms',
    budget: 'p50 ≤ 2.2',
    raw: ({ raw }) => 3 * raw.publishMs.p50 + raw.modelMs.p50 + raw.httpMs.p50,
    figures: ({ turns }) => three(turns?.plainContinuing),
    limit: synced(2.2),
  },
  {
    what: 'turn with one tool, new session',
    unit: 'ms',
    budget: 'p50 ≤ 3.6',
    raw: ({ raw }) => 6 * raw.publishMs.p50 + 2 * raw.modelMs.p50 + raw.httpMs.p50,
    figures: ({ turns }) => three(turns?.toolFresh),
    limit: synced(3.6),
  },
  {
    what: 'turn with one tool, turns 2–21',
    unit: 'ms',
    budget: 'p50 ≤ 3.6',
    raw: ({ raw }) => 6 * raw.publishMs.p50 + 2 * raw.modelMs.p50 + raw.httpMs.p50,
    figures: ({ turns }) => three(turns?.toolContinuing),
    limit: synced(3.6),
  },
  {
    what: 'turn with edit_file (never twice)',
    unit: 'ms',
    budget: '',
    figures: ({ turns }) => three(turns?.neverTool),
  },
  {
    what: 'turn with a user-written tool, turns 2–21',
    unit: 'ms',
    budget: '',
    raw: ({ raw, code }) =>
      6 * raw.publishMs.p50 + 2 * raw.modelMs.p50 + raw.httpMs.p50 + (code?.directMs.p50 ?? Number.NaN),
    figures: ({ code }) => three(code?.turnMs),
  },
  {
    what: 'turn with an MCP tool over stdio, turns 2–21',
    unit: 'ms',
    budget: '',
    raw: ({ raw, mcp }) =>
      6 * raw.publishMs.p50 + 2 * raw.modelMs.p50 + raw.httpMs.p50 + (mcp?.stdioMs.p50 ?? Number.NaN),
    figures: ({ mcp }) => three(mcp?.stdioTurnMs),
  },
  {
    what: 'turn with an MCP tool over HTTP, turns 2–21',
    unit: 'ms',
    budget: '',
    raw: ({ raw, mcp }) =>
      6 * raw.publishMs.p50 + 2 * raw.modelMs.p50 + raw.httpMs.p50 + (mcp?.httpMs.p50 ?? Number.NaN),
    figures: ({ mcp }) => three(mcp?.httpTurnMs),
  },
  {
    what: 'turn with a call that is approved at once, turns 1–20; the same turn unasked',
    unit: 'ms',
    budget: '',
    raw: ({ raw }) =>
      (appendsOfToolTurn + appendsOfApproval) * raw.publishMs.p50 + 2 * raw.modelMs.p50 + 2 * raw.httpMs.p50,
    figures: ({ approvals }) => approvals && [...(three(approvals.turnMs) ?? []), approvals.unaskedMs.p50],
  },
  {
    what: 'a decision, until the answer that it is in',
    unit: 'ms',
    budget: '',
    raw: ({ raw }) => raw.publishMs.p50 + raw.httpMs.p50,
    figures: ({ approvals }) => three(approvals?.decidedMs),
  },
  { what: 'raw: one MCP call over stdio', unit: 'ms', budget: '', figures: ({ mcp }) => three(mcp?.stdioMs) },
  { what: 'raw: one MCP call over HTTP', unit: 'ms', budget: '', figures: ({ mcp }) => three(mcp?.httpMs) },
  {
    what: 'a call of a user-written tool over its host, warm',
    unit: 'ms',
    budget: 'p50 ≤ 0.3',
    raw: ({ code }) => code?.directMs.p50,
    figures: ({ code }) => three(code?.warmMs),
    limit: () => 0.3,
  },
  {
    what: 'start of a host, until its tools are known',
    unit: 'ms',
    budget: 'p50 ≤ 80',
    figures: ({ code }) => three(code?.startMs),
    limit: () => 80,
  },
  {
    what: 'a workflow that returns at once (Flue 0.10 in memory: 0.34)',
    unit: 'ms',
    budget: '',
    raw: ({ raw }) => appendsOfRun * raw.publishMs.p50 + raw.httpMs.p50,
    figures: ({ workflows }) => three(workflows?.nothingMs),
  },
  {
    what: 'a workflow of three steps, without a model',
    unit: 'ms',
    budget: '',
    raw: ({ raw }) => (appendsOfRun + 2 * 3) * raw.publishMs.p50 + raw.httpMs.p50,
    figures: ({ workflows }) => three(workflows?.stepsMs),
  },
  {
    what: 'a workflow with one prompt of an agent (Flue 0.10 in memory: 1.9)',
    unit: 'ms',
    budget: '',
    raw: ({ raw }) => (appendsOfRun + appendsOfPrompt) * raw.publishMs.p50 + raw.modelMs.p50 + raw.httpMs.p50,
    figures: ({ workflows }) => three(workflows?.promptMs),
  },
  ...[0, 1].map(
    (at): Row => ({
      what: `a run of ${at === 0 ? '1,000' : '10,000'} operations is told an event, and ends`,
      unit: 'ms',
      budget: at === 0 ? '' : '≤ 12 × that of 1,000',
      figures: ({ workflows }) => three(workflows?.replays[at]?.ms),
      ...(at === 0
        ? {}
        : { limit: ({ workflows }: Visit) => workflows?.replays[0] && 12 * workflows.replays[0].ms.p50 }),
    }),
  ),
  ...[1, 16, 64].map((clients) => loadRow('tool', clients)),
  ...[1, 16, 64].map((clients) => loadRow('plain', clients)),
  {
    what: 'messages of a tool turn, in / out of nats-server',
    unit: '1 client',
    budget: '',
    figures: ({ toolLoad }) => {
      const messages = toolLoad?.find(({ clients }) => clients === 1)?.messagesPerTurn
      return messages && [messages.in, messages.out]
    },
  },
  ...([16, 64] as const).map(
    (clients): Row => ({
      what: `CPU of a tool turn, ${clients} clients (nats-server; all of Reins)`,
      unit: 'ms',
      budget: '',
      figures: ({ toolLoad }) => {
        const cpu = toolLoad?.find((load) => load.clients === clients)?.cpuPerTurn
        if (!cpu) return undefined
        const ours = Object.entries(cpu).filter(([name]) => !notOurs.has(name))
        return [cpu['nats-server'] ?? 0, ours.reduce((sum, [, ms]) => sum + ms, 0)]
      },
    }),
  ),
  {
    what: 'turn 500 of one session (then turn 10)',
    unit: 'ms',
    budget: '≤ 1.25 × turn 10 + the model’s reading',
    raw: ({ long }) => long && long.modelLate - long.modelEarly,
    figures: ({ long }) => long && [long.late, long.early],
    limit: ({ long }) => long && 1.25 * long.early + long.modelLate - long.modelEarly,
  },
  {
    what: 'a token, model → client, at 50/s',
    unit: 'ms',
    budget: 'p50 ≤ 1, each by itself',
    raw: ({ raw }) => raw.httpMs.p50,
    figures: ({ tokens }) => three(tokens?.ms),
    // Lumps miss the budget, however quick. A machine that stands still now and then makes some, in the model's own socket.
    limit: ({ tokens }) => (tokens && tokens.alone.delta < leastAlone ? 0 : 1),
  },
  resumeRow(100, 'cold'),
  resumeRow(1000, 'cold', 30),
  resumeRow(10_000, 'cold'),
  resumeRow(100, 'fromSnapshot'),
  resumeRow(1000, 'fromSnapshot', 10),
  resumeRow(10_000, 'fromSnapshot'),
  {
    what: '10,000 open streams, more memory',
    unit: 'MB',
    budget: '≤ 300',
    // Fewer (--quick) are counted up to 10,000.
    figures: ({ streams }) => streams && [Math.round(((streams.after - streams.before) * 10_000) / streams.streams)],
    limit: () => 300,
  },
  recoveryRow('SIGKILL', 1500),
  recoveryRow('SIGTERM', 300),
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
  ...[0, 1].flatMap((at): Row[] => {
    const sessions = at === 0 ? '1,000 sessions at rest' : '300,000 sessions at rest'
    const row = (what: string, of: (rest: SessionsAtRest) => Spread, budget?: number): Row => ({
      what: `${sessions}: ${what}`,
      unit: 'ms',
      budget: budget === undefined ? '' : `p99 ≤ ${budget}`,
      figures: ({ atRest }) => {
        const rest = atRest?.[at]
        return rest && [of(rest).p99, of(rest).p50]
      },
      ...(budget === undefined ? {} : { limit: () => budget }),
    })
    return [
      row('a hot turn (p99, p50)', ({ hot }) => hot),
      row('hot turns while ten clients open old ones', ({ hotBeside }) => hotBeside),
      row('reading an old one', ({ read }) => read, 10),
      row('a message for an old one', ({ append }) => append, 10),
      row('newest page of the list', ({ list }) => list, 10),
      row('a page far down', ({ deepPage }) => deepPage, 10),
      row('by a status that few have', ({ byStatus }) => byStatus, 10),
      row('the history of an old one', ({ history }) => history, 10),
      row('the state in the middle of one of 15,000 frames', ({ stateAt }) => stateAt),
      {
        what: `${sessions}: consumers when all is done (before)`,
        unit: '',
        budget: '',
        figures: ({ atRest }) => atRest?.[at] && [atRest[at].consumers[1], atRest[at].consumers[0]],
      },
      {
        what: `${sessions}: rebuild-index (then sessions made)`,
        unit: 'frames/s, sessions/s',
        budget: '',
        figures: ({ atRest }) => atRest?.[at] && [atRest[at].rebuiltPerSecond, atRest[at].madePerSecond],
      },
    ]
  }),
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
    what: 'a delegation: the parent asks, the child answers, the parent goes on',
    unit: 'ms',
    budget: '≤ 2 plain turns + 1',
    raw: ({ team }) => team && 2 * team.plainMs.p50,
    figures: ({ team }) => three(team?.roundTripMs),
    limit: ({ team }) => team && 2 * team.plainMs.p50 + 1,
  },
  {
    what: 'the whole turn of a parent that delegates, from the message on',
    unit: 'ms',
    budget: '≤ 3 plain turns + 1',
    raw: ({ team }) => team && 3 * team.plainMs.p50,
    figures: ({ team }) => three(team?.wholeMs),
    limit: ({ team }) => team && 3 * team.plainMs.p50 + 1,
  },
  {
    what: '16 delegations in one answer',
    unit: 'ms',
    budget: '',
    raw: ({ team }) => team && 18 * team.plainMs.p50,
    figures: ({ team }) => three(team?.fanOutMs),
  },
  {
    what: 'a tree of 85 sessions, three levels deep',
    unit: 'ms (sessions)',
    budget: '',
    raw: ({ team }) => team && team.treeSessions * team.plainMs.p50,
    figures: ({ team }) => team && [team.treeMs.p50, team.treeSessions],
  },
  {
    what: 'bytes of a request that repeat the one before, 50 tool turns (the least of one)',
    unit: '%',
    budget: '≥ 95',
    more: true,
    figures: ({ prefix }) => prefix && [prefix.share, prefix.least],
    limit: () => 95,
  },
  {
    what: 'disk of a tool turn (then the whole folder)',
    unit: 'bytes',
    budget: '≤ 6144',
    figures: ({ disk }) => disk && [disk.bytesPerTurn, disk.folderBytesPerTurn],
    limit: () => 6144,
  },
]
