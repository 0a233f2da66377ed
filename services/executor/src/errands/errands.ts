// Errands: what a trigger asks of another session (PROTOCOL 8). Each appends one frame there, or finds that it is done; what it appends
// is decided in libs/session (errand-frames.ts).
import type { Definitions } from '@reins/context'
import {
  affinityOf,
  type BudgetLimits,
  draftOn,
  type EventData,
  makeShortId,
  narrowest,
  ReinsError,
  runPosition,
} from '@reins/contracts'
import { agentsNow, type RegistryView, type SessionLog, type WorkQueue } from '@reins/journal'
import type { Clock, PausePoint } from '@reins/service'
import {
  type Creation,
  cancelChild,
  cancelPrompt,
  createChild,
  creationOf,
  type Decision,
  declaredBehind,
  type DelegationCeilings,
  emptyFold,
  type Errand,
  type Fold,
  foldFrames,
  handedToRun,
  pauseChild,
  type PinnedStart,
  pinnedDefinition,
  promptChild,
  resumeChild,
  runBeginning,
  type Session,
  type SessionBeginning,
  type SessionStart,
  sessionBeginning,
  settleParent,
  tellHeld,
  unpauseChild,
} from '@reins/session'
import { pinnedTools } from '@reins/tools'
import type { PromptPorts } from '../run/replay-prompts.ts'
import { type FoldSource, loadFold } from '../session/snapshots.ts'

export interface ErrandContext extends FoldSource {
  /** What this process knows of a session already: a beginning of its log. undefined: nothing. */
  folded(session: string): Fold | undefined
  readonly instance: string
  readonly sessions: Pick<SessionLog, 'read' | 'frameAt' | 'append'>
  readonly work: Pick<WorkQueue, 'ensurePool'>
  readonly definitions: Pick<Definitions, 'resolved'>
  readonly registry: Pick<RegistryView, 'agentFresh' | 'version' | 'codeWorkflow'>
  readonly ceilings: DelegationCeilings
  readonly budgetCeiling: BudgetLimits
  readonly runs: Pick<PromptPorts, 'vary'>
  readonly clock: Clock
  /** For tests, which stop the process there. */
  readonly pauseAt: PausePoint
  readonly stopping: AbortSignal
}

/** `newer`: the other session is beyond this version, so whether anything is left to do there is a newer process's to say. */
export type Errands = 'done' | 'newer'

/** `pool`: whose executors the errand was addressed to. */
export async function doErrand(
  context: ErrandContext,
  id: string,
  session: Session,
  errand: Errand,
  pool: string,
): Promise<Errands> {
  switch (errand.kind) {
    case 'create-child':
      return makeChild(context, id, session, errand)
    case 'prompt-child':
      return promptChildOf(context, id, session, errand)
    case 'resume-child':
      return appendTo(context, errand, errand.child, (there) => resumeChild(there, errand, session))
    case 'cancel-child': {
      const cancel = makeShortId(context.clock.random)
      const above = session.born && { session: id, call: errand.call, pool: session.born.pools.executor }
      const parent = above ?? undefined
      const prompt = promptOf(session, errand)
      return appendTo(context, errand, errand.child, (there) =>
        prompt === undefined
          ? cancelChild(there, pool, cancel, parent)
          : cancelPrompt(there, prompt, errand.call, pool, cancel, parent),
      )
    }
    case 'ensure-child': {
      const creation = creationOf(session, errand.child)
      return creation ? makeChild(context, id, session, creation) : 'done'
    }
    case 'pause-child':
      return appendTo(context, errand, errand.child, (there) => pauseChild(there, errand))
    case 'unpause-child':
      return appendTo(context, errand, errand.child, (there) => unpauseChild(there, errand))
    case 'tell-held': {
      const parent = session.born?.parent
      return parent ? appendTo(context, errand, parent.session, (there) => tellHeld(there, parent, session)) : 'done'
    }
    case 'settle-parent': {
      const parent = session.born?.parent ?? session.unborn
      return parent
        ? appendTo(context, errand, parent.session, (there) => settleParent(there, parent, session))
        : 'done'
    }
    default:
      return errand satisfies never
  }
}

async function makeChild(context: ErrandContext, parent: string, session: Session, errand: Creation): Promise<Errands> {
  const begun = runOf(context, parent, session, errand) ?? (await beginningOf(context, parent, session, errand))
  if (!begun) return 'done'
  // That it is there is enough, whatever has been said in it.
  return appendTo(
    context,
    errand,
    errand.child,
    (there) => createChild(there, errand, begun.started, session, begun.declared),
    'by its head',
    emptyFold(errand.child),
  )
}

/** Of an agent whose sessions are runs of a workflow; undefined: they are not. */
function runOf(
  { ceilings, budgetCeiling }: ErrandContext,
  parent: string,
  session: Session,
  { call, digest, agent, pool, levels, sessions, budget, onPause = 'wait', ...asked }: Creation,
): SessionBeginning | undefined {
  const runs = declaredBehind(session.team, { agent, digest })?.runs
  if (!runs || !session.born) return undefined
  return runBeginning({
    ...{ ...runs, digest, pool, onPause, ceilings, payload: handedToRun(asked) },
    granted: {
      ...(levels === undefined ? {} : { levels }),
      ...(sessions === undefined ? {} : { sessions }),
    },
    budget: narrowest(budget, budgetCeiling),
    parent: { session: parent, call, pool: session.born.pools.executor },
    principal: principalOf(session),
    requesters: requestersOf(session),
  })
}

/** A session below a run is made with the first prompt that is for it. */
async function promptChildOf(
  context: ErrandContext,
  parent: string,
  session: Session,
  errand: Extract<Errand, { kind: 'prompt-child' }>,
): Promise<Errands> {
  const { child, prompt } = errand
  const there = context.folded(child) ?? (await loadFold(context, child))
  const begun = there.head.seq === 0 ? ((await beginningOf(context, parent, session, prompt)) ?? null) : null
  if (there.head.seq === 0 && !begun) return 'done'
  // What it is answered by may be another definition than the one that the session has.
  const anew = prompt.configured && there.head.seq > 0 ? await pinnedFor(context, parent, session, prompt) : null
  return appendTo(context, errand, child, (now) => promptChild(now, errand, session, begun, anew))
}

/** The position of the prompt that a run wants to have cancelled; undefined: it is a delegation of a turn. */
function promptOf({ run }: Session, { call, child }: { readonly call: string; readonly child: string }) {
  const position = runPosition(call)
  const one = position === undefined ? undefined : run?.operations.at(position)
  if (position === undefined || one?.operation !== 'prompt') return undefined
  return one.state === 'open' && one.waits.kind === 'prompt' && one.waits.child !== child ? undefined : position
}

type Asked = Pick<Creation, 'call' | 'digest' | 'agent' | 'levels' | 'sessions' | 'budget' | 'onPause' | 'cwd'>

/** How a session below begins. undefined: the one above has not begun itself. */
async function beginningOf(
  context: ErrandContext,
  parent: string,
  session: Session,
  asked: Asked,
): Promise<SessionBeginning | undefined> {
  const found = await startOf(context, parent, session, asked)
  if (!found) return undefined
  const { start, pools } = found
  const { started, declared } = sessionBeginning(start)
  await pools(started.pools)
  return { started, declared }
}

/** What the definition of a prompt means for the session below, which is there already. */
async function pinnedFor(
  context: ErrandContext,
  parent: string,
  session: Session,
  asked: Asked,
): Promise<PinnedStart | null> {
  const found = await startOf(context, parent, session, asked)
  if (!found) return null
  await found.pools()
  return pinnedDefinition(found.start)
}

type Pools = EventData<'session.started'>['pools']

async function startOf(
  context: ErrandContext,
  parent: string,
  session: Session,
  asked: Asked,
): Promise<{ readonly start: SessionStart; readonly pools: (own?: Pools) => Promise<unknown> } | undefined> {
  const { call, agent, cwd: place } = asked
  if (!session.born) return undefined
  const outputSchema = declaredBehind(session.team, asked)?.outputSchema
  const digest = place === undefined ? asked.digest : await placed(context, session, asked.digest, place)
  const resolved = await context.definitions.resolved(digest)
  // Not to be passed over: the parent would wait for ever. It is tried again, and in the end the parent is quarantined.
  if (!resolved) throw new Error(`the definition ${digest} of the agent ${agent} is not in the registry`)
  const { definition, toolset } = resolved
  const pinned = toolset.kind === 'resolved' ? pinnedTools(toolset.tools) : []
  const agents = await agentsNow(context.registry, definition)
  const start: SessionStart = {
    ...{ agent, digest, definition, ceilings: context.ceilings, budgetCeiling: context.budgetCeiling },
    agents: agents.map(({ declared }) => declared),
    granted: {
      ...(asked.levels === undefined ? {} : { levels: asked.levels }),
      ...(asked.sessions === undefined ? {} : { sessions: asked.sessions }),
      ...(asked.budget === undefined ? {} : { budget: asked.budget }),
    },
    onPause: asked.onPause ?? 'wait',
    ...(outputSchema === undefined ? {} : { outputSchema }),
    toolset: pinned,
    parent: { session: parent, call, pool: session.born.pools.executor },
    principal: principalOf(session),
    requesters: requestersOf(session),
  }
  const labels = affinityOf(definition)
  const pools = (own?: Pools): Promise<unknown> =>
    Promise.all([
      ...(own ? [context.work.ensurePool('exec', own.executor, labels)] : []),
      ...(own ? [context.work.ensurePool('tool', own.tools, labels)] : []),
      // What is asked of a child is addressed to its executors before it is there.
      ...agents.map((one) => context.work.ensurePool('exec', one.pool, one.labels)),
    ])
  return { start, pools }
}

/** The version of a definition that works in this place of its folder. A registry that is away is waited for, as for a definition. */
async function placed(context: ErrandContext, session: Session, from: string, place: string): Promise<string> {
  for (;;) {
    try {
      const { digest } = await context.runs.vary({ digest: from, place }, session)
      await context.pauseAt('executor.after-vary')
      return digest
    } catch (error) {
      const isAway = error instanceof ReinsError && error.code === 'unavailable'
      if (!isAway || context.stopping.aborted) throw error
    }
  }
}

const principalOf = ({ id, born, servers }: Session): string => born?.principal ?? servers?.principal ?? `session:${id}`

/** Who began the turn that delegates, however far above. */
const requestersOf = ({ turn, approvals }: Session): readonly string[] => [
  ...(approvals?.requesters ?? []),
  ...(turn?.requesters ?? []),
]

/**
 * Decides on what is known of the other session, and appends; again when the log goes on behind that.
 * That there is nothing to append is believed of the leader only: a lagging copy may not have what the errand is about.
 * `known`: a beginning of its log that is most likely the whole; a new session's is empty.
 */
async function appendTo(
  context: ErrandContext,
  errand: Errand,
  id: string,
  decide: (fold: Fold) => Decision | null,
  decides: 'by its state' | 'by its head' = 'by its state',
  known: Fold | undefined = context.folded(id),
): Promise<Errands> {
  let fold = known ?? (await loadFold(context, id))
  let current = false
  for (;;) {
    if (decides === 'by its state' && fold.session.beyond) return 'newer'
    const decision = decide(fold)
    if (!decision) {
      if (current) return 'done'
      const { head } = fold
      fold = foldFrames(fold, await context.reading(() => context.sessions.read(id, { after: head.seq, leader: true })))
      current = true
      continue
    }
    const { head } = fold
    const { to } = decision
    const draft = draftOn(
      head,
      { frame: makeShortId(context.clock.random), by: context.instance, role: 'e' },
      { ...decision, pool: head.pool || decision.pool, at: context.clock.now() },
    )
    await context.pauseAt(`executor.before-${errand.kind}`)
    const outcome = await context.sessions.append(id, draft, to, head.hash, context.stopping)
    if (outcome.kind === 'appended') {
      await context.pauseAt(`executor.after-${errand.kind}`)
      return 'done'
    }
    fold = foldFrames(fold, outcome.tail)
    current = true
  }
}
