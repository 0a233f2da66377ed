// What a session knows of the code that decides for it: the operations that the code has asked for, in their order, and the replay that is
// under way. Types, and what can be asked of them.
import type {
  BudgetLimits,
  ElicitationAction,
  ElicitationContent,
  EventData,
  ImagePart,
  RunError,
  RunPause,
  UserContent,
} from '@reins/contracts'
import type { OperationList } from './operation-list.ts'
import type { AskedTool, Session } from '../session.ts'

/** Waits: for a message, a person's answer, the end of a turn, a timer, or the end of its function. */
export type OpenOperation =
  | { readonly kind: 'step'; readonly attempt: number; readonly replay: 'safe' | 'never'; readonly lost?: true }
  | { readonly kind: 'call'; readonly message: string }
  | { readonly kind: 'sleep'; readonly timer: string; readonly until: number }
  | { readonly kind: 'pause'; readonly output: RunPause; readonly expiresAt?: number }
  | Prompt
  /** For an event from outside; without a name, for the input of a person or program. */
  | { readonly kind: 'wait'; readonly event?: string; readonly output?: unknown }

/** A session below answers it. */
export interface Prompt {
  readonly kind: 'prompt'
  readonly call: string
  readonly child: string
  readonly agent: string
  readonly digest: string
  readonly pool: string
  readonly content: UserContent
  readonly output?: EventData<'run.prompted'>['output']
  /** `digest` is not that of the harness, or was not at the prompt before. */
  readonly configured?: true
  readonly images?: readonly ImagePart[]
  /** In the place of a turn of its model. */
  readonly tool?: AskedTool
  readonly levels: number
  readonly sessions: number
  /** What it may use of the run's budget. */
  readonly granted?: BudgetLimits
  /** The session below was asked to cancel. */
  readonly cancelSent?: true
}

export type OperationKind = OpenOperation['kind'] | 'now' | 'random' | 'uuid' | 'config' | 'init'

/** What the code gets. */
export type OperationResult =
  | { readonly kind: 'value'; readonly value?: unknown }
  | { readonly kind: 'error'; readonly error: RunError }

/** Its position is its place in the list. */
export type Operation = { readonly name: string; readonly operation: OperationKind; readonly n: number } & (
  | { readonly state: 'open'; readonly waits: OpenOperation }
  /** `order`: operations end in this order, and a replay is told so in the same. Below 0: it is in no line yet (RN7). */
  | { readonly state: 'done'; readonly order: number; readonly result: OperationResult }
)

export interface Harness {
  /** Each prompt names a model. */
  readonly needsModel?: true
  readonly agent: string
  readonly digest: string
  readonly pool: string
}

export interface Replay {
  readonly replay: string
  readonly attempt: number
  readonly by: string
  readonly n: number
}

export interface Run {
  readonly file: string
  readonly digest: string
  readonly network?: true
  /** Of the request that began it (W3C traceparent). */
  readonly trace?: string
  /** Absent: it is a chat. */
  readonly workflow?: Omit<EventData<'run.invoked'>, 'payload'> & { readonly payload?: unknown }
  /** The agents that the code has, by the name of the harness. */
  readonly harnesses?: Readonly<Record<string, Harness>>
  /** Of sessions below, the definition that answers or answered their latest prompt, where that was not always the harness's. */
  readonly configured?: Readonly<Record<string, string>>
  /** Events from outside that nobody has waited for yet. */
  readonly mail?: readonly { readonly event: string; readonly value?: unknown }[]
  /** RN9: lines that the code has written, and those of them that it writes in each replay. */
  readonly lines?: { readonly all: number; readonly replayed: number }
  readonly operations: OperationList
  /** Operations that have ended. */
  readonly done: number
  /** RN7: so many have ended beside the replay that is under way. */
  readonly late?: number
  /** Of those that have ended, how many the code has been told of by the latest replay; -1: the code has to be run, whatever there is to tell. */
  readonly seen: number
  /** null: none is under way. */
  readonly replay: Replay | null
  /** Attempts of replays that were lost in a row, and why the latest was. */
  readonly lost: number
  readonly why?: RunError
  /** RN11: a cancel found nothing open. */
  readonly cancelNext?: true
  /** Absent: the code is not at its end. */
  readonly ended?: { readonly status: 'completed' | 'failed'; readonly error?: RunError; readonly output?: unknown }
}

export type Open = Operation & { readonly state: 'open' }

export interface Placed<W extends OpenOperation = OpenOperation> {
  readonly position: number
  readonly name: string
  readonly n: number
  readonly waits: W
}

type OfKind<K extends OpenOperation['kind']> = Extract<OpenOperation, { kind: K }>

export const openOf = <K extends OpenOperation['kind']>(run: Run, kind: K): readonly Placed<OfKind<K>>[] =>
  run.operations
    .open()
    .flatMap(([position, { name, n, waits }]) =>
      waits.kind === kind ? [{ position, name, n, waits: waits as OfKind<K> }] : [],
    )

/** The pause that the next message of a person ends. */
export const messagePause = (run: Run): Placed<OfKind<'pause'>> | undefined =>
  openOf(run, 'pause').find(({ waits }) => waits.output.type === 'chat_response')

type Question = Extract<RunPause, { type: 'elicitation' }>

/** Questions of the code to a person that wait for an answer. */
export const runQuestions = ({
  run,
  mode,
}: Session): readonly { readonly position: number; readonly question: Question; readonly expiresAt?: number }[] =>
  run && mode.kind !== 'ended'
    ? openOf(run, 'pause').flatMap(({ position, waits: { output, expiresAt } }) =>
        output.type === 'elicitation'
          ? [{ position, question: output, ...(expiresAt === undefined ? {} : { expiresAt }) }]
          : [],
      )
    : []

/** Whether something is open that a cancel ends. Of a step that was lost, the next attempt is. */
export const hasStoppable = ({ operations }: Run): boolean =>
  operations.open().some(([, { waits }]) => !(waits.kind === 'step' && waits.lost))

/** RN11. */
export const betweenOperations = ({ run, mode }: Session): boolean =>
  run?.workflow !== undefined &&
  mode.kind !== 'ended' &&
  !run.ended &&
  !hasStoppable(run) &&
  (run.replay !== null || run.operations.length > 0)

/** What a person's answer is to the code. */
export const answerValue = (
  { elicitation_id }: Question,
  action: ElicitationAction,
  content?: ElicitationContent,
): OperationResult => ({
  kind: 'value',
  value: { elicitation_response: { elicitation_id, action, ...(content ? { content } : {}) } },
})

/** Nobody has answered in time. */
export const expiredValue = ({ elicitation_id }: Question): OperationResult => ({
  kind: 'value',
  value: { elicitation_response: { elicitation_id, action: 'cancel', expired: true } },
})

export const cancelledError: RunError = { code: 'cancelled', message: 'It was cancelled.' }

/** The timer of a run's clean-up (RN10). */
export const cleanUp = 'clean-up'

/** Whether the code is at work or is to be run, so that whoever asked the session something has no answer yet. */
export const runBusy = ({ run, turn }: Session): boolean =>
  run !== undefined && (turn !== null || run.replay !== null || messagePause(run) === undefined)

/** The code has news, or was never run. */
export const hasNews = ({ done, seen, ended }: Run): boolean => ended === undefined && done > seen
