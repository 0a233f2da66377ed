// What a session waits for where only people can go on with it: what the model above is told of a child that is paused.
import { inputPause } from '../run/handed-to-run.ts'
import { hasNews, type Run, runQuestions } from '../run/run-state.ts'
import type { Session } from '../session.ts'

/** As the output of a paused delegation says it. */
export interface WaitsFor {
  readonly waits_for: 'approval' | 'answer' | 'input' | 'resume' | 'release'
  readonly reason: string
  /** The latest text of the agent, where there is one. */
  readonly said?: string
  readonly calls?: readonly unknown[]
  /** What the code of a workflow has said at its pause. */
  readonly output?: unknown
}

/** Arguments that are longer, as JSON, are not repeated. */
const maxArgumentsChars = 4_000

/** null: it does not wait, or not only for people. Asked where nothing is due. */
export function waitsForPeople(session: Session): WaitsFor | null {
  const { mode, turn, lastText } = session
  const said = lastText === '' ? {} : { said: lastText }
  const calls = turn?.calls ?? []
  const goesOn = ['requested', 'claimed', 'delegated']
  if (turn?.model?.kind === 'running' || session.run?.replay || calls.some(({ state }) => goesOn.includes(state.kind)))
    return null
  switch (mode.kind) {
    case 'paused':
      // Whoever is above is paused as well, and goes on together with it (TP3 of tree-pause.ts).
      if (mode.above !== undefined && mode.own === undefined) return null
      return { waits_for: 'resume', reason: 'The session of the agent is paused.', ...said }
    case 'quarantined':
      return { waits_for: 'release', reason: `The session of the agent is quarantined: ${mode.reason}`, ...said }
    case 'ended':
      return null
    case 'open':
      break
    default:
      mode satisfies never
  }
  const waiting = calls.flatMap(({ name, arguments: args, state }): object[] => {
    if (state.kind === 'waiting') return [{ tool: name, ...shortened(args), reason: state.reason }]
    if (state.kind === 'eliciting')
      return [{ tool: name, server: state.server, asks: state.message, ...(state.url ? { url: state.url } : {}) }]
    return []
  })
  for (const { question } of turn ? [] : runQuestions(session))
    waiting.push({ server: question.server_name, asks: question.message, url: question.url })
  if (waiting.length === 0) return turn || !session.run ? null : inputOf(session.run)
  return calls.some(({ state }) => state.kind === 'waiting')
    ? { waits_for: 'approval', reason: 'A person must approve what the agent wants to do.', ...said, calls: waiting }
    : { waits_for: 'answer', reason: 'A server asks a person something.', ...said, calls: waiting }
}

/** null: it goes on by itself, or waits for events alone. */
function inputOf(run: Run): WaitsFor | null {
  const pause = inputPause(run)
  if (!pause || run.ended || hasNews(run)) return null
  if (run.operations.open().some(([, { waits }]) => waits.kind !== 'wait')) return null
  const { output } = pause.waits
  const reason = 'The workflow waits for input: what you give is what its code goes on with.'
  return { waits_for: 'input', reason, ...(output === undefined ? {} : { output }) }
}

const shortened = (args: Readonly<Record<string, unknown>>) =>
  JSON.stringify(args).length <= maxArgumentsChars ? { arguments: args } : {}
