// Known-wrong rules of runs, each with a scenario in which it bites.
import type { Session } from '@reins/session'
import { budgetedRun, cancelledAndPaused, prompting, running, steps } from '../scenarios/runs.ts'
import { message, type Scenario } from '../scenarios/scenario.ts'
import { sound } from '../world/rules.ts'
import type { WrongRule } from './rules.ts'

const named = (name: string, change: Partial<Scenario>): Scenario => ({ ...running, ...change, name })

/** Of a step that was cut off it is forgotten that it may not run twice. */
function withSafeSteps(session: Session): Session {
  const { run } = session
  if (!run) return session
  const operations = run.operations.withOpen((waits) => (waits.kind === 'step' ? { ...waits, replay: 'safe' } : waits))
  return { ...session, run: { ...run, operations } }
}

/** The deadline of a clean-up is taken to stand, though nobody has set it. */
const withDeadline = (session: Session): Session =>
  session.run?.workflow ? { ...session, timers: [...session.timers, { timer: 'clean-up', at: 1 }] } : session

/** What was cancelled below is taken to have stopped, though it has not said so. */
function withAllStopped(session: Session): Session {
  const { team } = session
  if (!team) return session
  const children = Object.entries(team.children).map(([id, child]) => [
    id,
    child.status === 'cancelled' ? { ...child, stopped: { sessions: 1, ran: [] } } : child,
  ])
  return { ...session, team: { ...team, children: Object.fromEntries(children) } }
}

export const wrongRuns: readonly WrongRule[] = [
  {
    name: 'cancelled-prompt-counts-as-stopped',
    says: 'the pause of a tree counts as complete while a session below a run, whose prompt was cancelled, may still work',
    rules: { ...sound, stopOf: (session) => sound.stopOf(withAllStopped(session)) },
    scenario: named('a run whose prompt is cancelled, and whose tree is paused', {
      ...cancelledAndPaused,
      faults: {},
      total: 0,
    }),
    walks: 200,
  },
  {
    name: 'each-prompt-has-the-whole-budget',
    says: 'each prompt of a run may use all that the run may, whatever was used before',
    rules: { ...sound, promptSlice: ({ budget }) => budget?.limits },
    scenario: named('a run with a budget', budgetedRun),
  },
  {
    name: 'clean-up-without-end',
    says: 'whoever answers the cancel of a run takes it that the deadline of its clean-up stands already',
    rules: { ...sound, remembers: withDeadline },
    scenario: named('a run that waits, and a cancel', {
      ...prompting,
      code: ['init', 'wait', 'safe'],
      gateway: [message('m1'), { op: 'cancel' }],
    }),
  },
  {
    name: 'prompt-said-again',
    says: 'a session below a run is told an open prompt whenever its run is looked after, though it knows the prompt',
    rules: {
      ...sound,
      promptChild: (there, ...asked) =>
        sound.promptChild({ ...there, session: { ...there.session, prompted: -1 } }, ...asked),
    },
    scenario: named('a run that prompts a session below', { ...prompting, code: ['init', 'prompt'] }),
  },
  {
    name: 'prompt-by-the-old-definition',
    says: 'a session below a run is told a prompt without the definition that is to answer it',
    rules: { ...sound, promptChild: (there, errand, above, begun) => sound.promptChild(there, errand, above, begun) },
    scenario: named('a run that prompts by another model', { ...prompting, code: ['init', 'prompt', 'prompt-model'] }),
  },
  {
    name: 'prompt-without-its-images',
    says: 'a session below a run is told a prompt, and not what it is to be shown with it',
    rules: {
      ...sound,
      promptChild(...given) {
        const told = sound.promptChild(...given)
        return told && { ...told, events: told.events.filter(({ type }) => type !== 'images.attached') }
      },
    },
    scenario: named('a run that shows images', { ...prompting, code: ['init', 'prompt-images', 'prompt'] }),
  },
  {
    name: 'asked-call-and-its-model',
    says: 'who decides forgets that code has asked for the call of a turn, and goes on with its model',
    rules: {
      ...sound,
      remembers: ({ turn, ...session }) => {
        if (!turn) return { ...session, turn }
        const { asked: _, ...rest } = turn
        return { ...session, turn: rest }
      },
    },
    scenario: named('code that calls a tool', { runners: 1, code: ['tool', 'pause'] }),
  },
  {
    name: 'replay-skips-recorded',
    says: 'a replay passes over the operation that is recorded last, and goes on behind it',
    rules: { ...sound, skipsRecorded: true },
    scenario: named('code with steps', { code: steps }),
  },
  {
    name: 'lines-logged-again',
    says: 'a replay records all lines that the code writes in it, also those that stand in the log',
    rules: { ...sound, logsAgain: true },
    scenario: named('code that writes lines', { code: steps, logs: true }),
  },
  {
    name: 'step-before-its-intent',
    says: 'a step is run before its intent is known to be in the log',
    rules: { ...sound, stepBeforeIntent: true },
    scenario: named('code with steps', { code: steps }),
  },
  {
    name: 'step-end-left-out',
    says: 'that a step has ended is left out of the frame that says what the code does about it',
    rules: { ...sound, forgetsEnds: true },
    scenario: named('code with steps', { code: steps }),
  },
  {
    name: 'question-without-timer',
    says: 'code asks a person, and nothing ends the waiting',
    rules: { ...sound, asksWithoutTimer: true },
    scenario: named('code that asks a person', { code: ['ask', 'never', 'pause'] }),
  },
  {
    name: 'lost-step-runs-again',
    says: 'a step that must not run twice is run again when the process that ran it is lost',
    rules: {
      ...sound,
      remembers: withSafeSteps,
      takeover: (session, ...asked) => sound.takeover(withSafeSteps(session), ...asked),
    },
    scenario: named('code with steps', { code: steps }),
  },
]
