// The lines of the table: what is measured, its budget (ARCHITECTURE), and how both are read off a visit. Pure.
import { crowdRows } from './crowd-rows.ts'
import { median, round } from './numbers.ts'
import { one, type Row, three } from './row.ts'
import type { Visit } from './visit.ts'

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
  {
    what: 'reins dev: from a save until the server has the build; the open session goes on',
    unit: 'ms',
    budget: 'p50 < 300',
    figures: ({ reload }) => three(reload?.ms),
    limit: () => 300,
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
  ...([16, 64] as const).flatMap((clients): Row[] => [
    {
      what: `tool turns/s with spans exported, through those without, ${clients} clients (with; without; spans/s)`,
      unit: '%',
      budget: '≥ 97',
      more: true,
      figures: ({ spanExport }) => {
        const found = spanExport?.find((one) => one.clients === clients)
        if (!found) return undefined
        const { ratios, turnsPerSecond, spansPerSecond } = found
        return [round(median(ratios) * 100), turnsPerSecond.with, turnsPerSecond.without, spansPerSecond]
      },
      limit: () => 97,
    },
    {
      what: `CPU of a tool turn with spans exported, through that without, ${clients} clients (with; without)`,
      unit: '%',
      budget: '',
      figures: ({ spanExport }) => {
        const cpu = spanExport?.find((one) => one.clients === clients)?.cpuPerTurn
        return cpu && [round((cpu.with / cpu.without) * 100), round(cpu.with), round(cpu.without)]
      },
    },
  ]),
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
  {
    what: 'kill -9 of everything behind a tool → the turn is done (going on; ready; tools that ran twice)',
    unit: 'ms',
    budget: '≤ 1600 (one)',
    figures: ({ everything }) =>
      everything && [
        ...[median(everything.doneMs), median(everything.goingOnMs)],
        ...[median(everything.readyMs), everything.repeated],
      ],
    limit: () => 1600,
  },
  {
    what: 'kill -9 of everything behind a tool: ready → going on',
    unit: 'ms',
    budget: '≤ 300 (one)',
    figures: ({ everything }) =>
      everything && [median(everything.goingOnMs.map((ms, at) => ms - (everything.readyMs[at] ?? 0)))],
    limit: () => 300,
  },
  ...crowdRows,
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
