// What each event of a session means for its transcript. Pure, exhaustive: a new type of event does not compile without a case here.
import {
  contentText,
  type EventData,
  questionOfTimer,
  runMessage,
  type SessionEvent,
  workspaceServer,
} from '@reins/contracts'
import { answered, asked, pageDone, questionExpired, withoutQuestion } from './transcript-questions.ts'
import {
  type ControlHint,
  hasShown,
  type PendingApproval,
  type Piece,
  type ToolOutcome,
  type Transcript,
  type TranscriptChange,
  textOf,
} from './transcript-state.ts'

/** undefined: this version does not know the type. */
export function followEvent(transcript: Transcript, event: SessionEvent, at: number): TranscriptChange | undefined {
  const same = (pieces: readonly Piece[] = []): TranscriptChange => ({ transcript, pieces })
  const now = (change: Partial<Transcript>, pieces: readonly Piece[] = []): TranscriptChange => ({
    transcript: { ...transcript, ...change },
    pieces,
  })
  switch (event.type) {
    case 'session.started':
      return now({ agent: event.data.agent }, [{ kind: 'started', agent: event.data.agent, model: event.data.model }])
    case 'session.forked':
      return forked(transcript, event.data)
    case 'session.paused':
      return now({ phase: 'paused' }, [
        notice(
          'info',
          `The session is paused${event.data.tree ? ', with all agents below' : ''}${event.data.reason ? ` (${event.data.reason})` : ''}.`,
          'resume',
        ),
      ])
    case 'session.resumed':
      return now({ phase: transcript.turn ? 'running' : 'idle' }, [notice('info', 'The session goes on.')])
    case 'session.quarantined':
      return now({ phase: 'quarantined', tools: [] }, [
        notice(
          'error',
          `The session is in quarantine: ${event.data.reason} (frame ${event.data.frame}). Look at it with "reins session events", then let it go on.`,
          'release',
        ),
      ])
    case 'session.released':
      return now({ phase: transcript.turn ? 'running' : 'idle' }, [notice('info', 'The session was released.')])
    case 'session.ended':
      return now({ phase: 'ended', tools: [] }, [notice('info', `The session has ended: ${event.data.reason}.`)])
    case 'message.received':
      return now({
        waiting: [...transcript.waiting, { message: event.data.message, text: textOf(event.data.content) }],
      })
    case 'images.attached': {
      const { message, images } = event.data
      return now({
        waiting: transcript.waiting.map((one) =>
          one.message === message ? { ...one, text: `${contentText(images)}\n${one.text}` } : one,
        ),
      })
    }
    case 'message.joined':
      return leaveQueue(transcript, [event.data.message], 'joined the running turn')
    case 'message.dropped':
      return leaveQueue(transcript, [event.data.message], `not answered: ${event.data.reason}`)
    case 'turn.started': {
      const left = leaveQueue(transcript, event.data.messages)
      return {
        transcript: {
          ...left.transcript,
          phase: 'running',
          turn: { id: event.data.turn, since: at, messages: event.data.messages },
        },
        pieces: left.pieces,
      }
    }
    case 'turn.completed': {
      const why = event.data.reason
      const pieces = why === 'answered' ? [] : [notice('warning', endings[why])]
      return endTurn(transcript, event.data, 'completed', at, pieces)
    }
    case 'turn.failed':
      return endTurn(transcript, event.data, 'failed', at, [
        notice('error', `The turn failed: ${event.data.error.message}${whatToDo(event.data.error.code)}`),
      ])
    case 'turn.cancelled':
      return endTurn(transcript, event.data, 'cancelled', at, [
        notice(
          'warning',
          `${event.data.reason === 'interrupted' ? 'Interrupted by the next message.' : 'Cancelled.'}${notUndone(event.data.ran)}`,
        ),
      ])
    case 'model-call.started': {
      const { answer, throttledUntil: _, ...rest } = transcript
      if (answer && answer.call === event.data.call && answer.attempt >= event.data.attempt) return same()
      const again = answer !== undefined && answer.call === event.data.call && hasShown(answer)
      return {
        transcript: { ...rest, answer: { call: event.data.call, attempt: event.data.attempt, blocks: new Map() } },
        pieces: again ? [{ kind: 'restarted' }] : [],
      }
    }
    case 'model-call.completed':
      return completeAnswer(transcript, event.data)
    case 'model-call.failed':
      // The turn's end, or the next attempt, says what comes of it.
      return event.data.partial === undefined ? same() : showPartial(transcript, event.data.call, event.data.partial)
    case 'model-call.throttled':
      return now({ throttledUntil: event.data.until }, [
        notice('warning', `${event.data.error.message} It is tried again in ${seconds(event.data.until - at)}.`),
      ])
    case 'tool-calls.requested': {
      const opened = event.data.calls.map((call) => ({
        call: call.call,
        name: call.name,
        input: call.arguments,
        since: at,
        attempt: 1,
        tail: '',
        seen: 0,
      }))
      // A call that waited for a person is asked for again.
      const calls = opened.map(({ call }) => call)
      return now({ tools: [...transcript.tools.filter(({ call }) => !calls.includes(call)), ...opened] })
    }
    case 'tool-call.started':
      return now({
        tools: transcript.tools.map((tool) =>
          tool.call === event.data.call && event.data.attempt > tool.attempt
            ? { ...tool, attempt: event.data.attempt, tail: '', seen: 0 }
            : tool,
        ),
      })
    case 'tool-call.completed':
      return closeTool(transcript, event.data.call, event.data.status, event.data.output, at, event.data)
    case 'tool-call.cancelled':
      return closeTool(transcript, event.data.call, 'cancelled', '', at)
    case 'tool-call.outcome-unknown':
      return closeTool(transcript, event.data.call, 'unknown', event.data.message, at)
    case 'delegation.requested': {
      const { call, agent, instruction, child } = event.data
      const input = { agent, instruction }
      // Its id is what a person needs to look at the agent, or to decide what it waits for.
      const name = transcript.tasks?.includes(call) ? 'task' : 'delegate'
      const opened = { call, name, input, since: at, attempt: 1, tail: `session ${child}`, seen: 0, below: child }
      return now({ tools: [...transcript.tools.filter((tool) => tool.call !== call), opened] })
    }
    case 'delegation.settled': {
      const outcome = event.data.status === 'completed' ? 'ok' : event.data.status === 'failed' ? 'error' : 'cancelled'
      const { stopped } = event.data
      const closed = closeTool(transcript, event.data.call, outcome, event.data.output, at)
      // What had run there is not undone; it may be said after the call was closed.
      if (!stopped || stopped.ran.length === 0) return closed
      const left = notice('warning', `An agent was cancelled.${notUndone(stopped.ran)}`)
      return { ...closed, pieces: [...closed.pieces, left] }
    }
    case 'toolset.resolved': {
      const gone = event.data.servers.flatMap((one) => (one.status === 'unavailable' ? [one] : []))
      const lines = [
        ...gone.map(({ server, reason }) =>
          server === workspaceServer
            ? `The workspace tells this agent nothing: ${reason}`
            : `The MCP server ${server} is not available: ${reason}`,
        ),
        ...event.data.servers.flatMap((one) =>
          one.status === 'ready' ? (one.workspace?.problems ?? []).map((problem) => `Not used: ${problem}`) : [],
        ),
      ]
      // It is asked again before each turn: what is known is said once.
      const news = lines.filter((line) => !transcript.unavailable?.includes(line))
      return now(
        { unavailable: lines },
        news.map((line) => notice('warning', line)),
      )
    }
    case 'approvals.pinned':
      return event.data.mode === 'never'
        ? same([notice('info', 'Tools are off for this agent: its definition says approval_mode: never.')])
        : same()
    case 'approval.requested':
      return now({ approvals: [...transcript.approvals, pendingOf(event.data)] })
    case 'approval.decided':
      return decided(transcript, event.data)
    case 'approval.granted':
      return now({ approvals: without(transcript, event.data.call) })
    case 'approval.expired':
      return leaves(transcript, event.data.call, 'warning', 'nobody decided in time: it does not run')
    case 'approval.withdrawn':
      return now({ approvals: without(transcript, event.data.call) })
    case 'elicitation.requested':
      return asked(transcript, event.data)
    case 'elicitation.answered':
      return answered(transcript, event.data)
    case 'elicitation.completed':
      return pageDone(transcript, event.data)
    case 'elicitation.expired':
      return questionExpired(transcript, event.data)
    case 'elicitation.remembered':
    case 'elicitation.withdrawn':
      return now({ questions: withoutQuestion(transcript, event.data.elicitation) })
    case 'plan.updated': {
      const { steps } = event.data
      const isOpen = steps.some(({ status }) => status === 'pending' || status === 'in_progress')
      return now({ plan: steps }, isOpen ? [] : [{ kind: 'plan', steps }])
    }
    case 'context.compaction-started':
      return same(event.data.attempt > 1 ? [] : [notice('info', 'The conversation is summarised, to make room.')])
    case 'context.compacted':
      return same([
        event.data.how === 'summary'
          ? notice('info', `The model sees a summary of ${event.data.to} messages now.`, 'restore')
          : notice('warning', `The model no longer sees ${event.data.to} messages: ${event.data.summary}`),
      ])
    case 'context.compaction-declined':
      return same([notice('info', event.data.why)])
    case 'budget.raised':
      return same([notice('info', 'The budget was raised.')])
    case 'context.restored':
      return same([notice('info', 'The summary is undone: the model sees the messages again.')])
    case 'output.checked': {
      const { problems } = event.data
      return same(
        problems.length === 0 ? [] : [notice('warning', `The answer does not fit its schema: ${problems.join('; ')}.`)],
      )
    }
    case 'run.resumed': {
      const left = leaveQueue(transcript, [event.data.message])
      return { transcript: { ...left.transcript, phase: 'running' }, pieces: left.pieces }
    }
    case 'run.paused':
      return pausedCode(transcript, event.data)
    case 'run.withdrawn':
      return now({ questions: transcript.questions.filter(({ call }) => call !== runMessage(event.data.position)) })
    case 'timer.fired': {
      const position = questionOfTimer(event.data.timer)
      const asked = transcript.questions.find(({ call }) => position !== undefined && call === runMessage(position))
      if (!asked) return same()
      return {
        transcript: { ...transcript, questions: transcript.questions.filter((one) => one !== asked) },
        pieces: [notice('warning', `Nobody answered ${asked.server} in time: the workflow goes on without an answer.`)],
      }
    }
    case 'run.step-ended': {
      const { status, error } = event.data
      return same(status === 'ok' ? [] : [notice('warning', `A step of the workflow: ${error?.message ?? status}`)])
    }
    case 'run.ended': {
      const { status, error } = event.data
      if (status === 'completed') return same()
      const where = error?.where === undefined ? '' : ` (${error.where})`
      return same([notice('error', `The workflow failed${where}: ${error?.message ?? 'it did not say why'}`)])
    }
    case 'session.upgraded':
      return same([notice('info', 'The session goes on with another version of its agent, from the next turn on.')])
    case 'agent.configured':
    case 'prompt.configured':
    case 'tools.given':
    case 'run.declared':
    case 'run.invoked':
    case 'run.initialized':
    case 'run.prompted':
    case 'run.waited':
    case 'run.delivered':
    case 'run.continued':
    case 'delegation.prompted':
    case 'run.replay-started':
    case 'run.replay-ended':
    case 'run.recorded':
    case 'run.logged':
    case 'run.step-started':
    case 'run.called':
    case 'tool.asked':
    case 'run.slept':
    case 'output.declared':
    case 'output.requested':
    case 'tools.permitted':
    case 'workspace.declared':
    case 'workspace.found':
    case 'budget.declared':
    case 'budget.granted':
    case 'budget.reached':
    case 'memory.declared':
    case 'planning.declared':
    case 'skills.declared':
    case 'context.declared':
    case 'context.compaction-requested':
    case 'context.compaction-failed':
    case 'context.compaction-throttled':
    case 'context.pruned':
    case 'toolset.declared':
    case 'toolset.requested':
    case 'toolset.changed':
    case 'approval.needed':
    case 'grant.added':
    case 'grant.revoked':
    case 'session.renamed':
    case 'session.settled':
    case 'session.archived':
    case 'session.erased':
    case 'session.erasure-completed':
    case 'tool-call.late-result':
    case 'files.kept':
    case 'delegation.cancel-requested':
    case 'delegation.pause-requested':
    case 'delegation.unpause-requested':
    case 'delegation.held':
    case 'delegation.continued':
    case 'delegation.resumed':
    case 'delegation.paused':
    case 'agents.declared':
    case 'workflows.declared':
    case 'task.declared':
    case 'parent.declared':
    case 'timer.armed':
    case 'cancel.requested':
      return same()
    default:
      event satisfies never
      return undefined
  }
}

const notice = (level: 'info' | 'warning' | 'error', text: string, control?: ControlHint): Piece =>
  control === undefined ? { kind: 'notice', level, text } : { kind: 'notice', level, text, control }

/** What was open where a conversation was forked is not the fork's. */
function forked(transcript: Transcript, { agent, from, n }: EventData<'session.forked'>): TranscriptChange {
  const { turn: _turn, answer: _answer, throttledUntil: _until, ...rest } = transcript
  const told = transcript.waiting.length > 0 || transcript.turn !== undefined
  const open = told ? ' What was open there is not done here.' : ''
  return {
    transcript: { ...rest, agent, phase: 'idle', tools: [], approvals: [], questions: [], waiting: [] },
    pieces: [{ kind: 'answer-ended' }, notice('info', `Forked from ${from} after frame ${n}.${open}`)],
  }
}

/** What a cancel leaves behind. */
function notUndone(
  ran: readonly { readonly name: string; readonly agent?: string; readonly how: string }[] = [],
): string {
  if (ran.length === 0) return ''
  const named = ran
    .slice(0, 5)
    .map(({ name, agent, how }) => `${name}${agent === undefined ? '' : ` of ${agent}`} (${how})`)
  const more = ran.length > 5 ? ` and ${ran.length - 5} more` : ''
  return ` Not undone: ${named.join(', ')}${more}.`
}

const seconds = (ms: number): string => `${Math.max(1, Math.round(ms / 1000))} s`

function pendingOf(data: EventData<'approval.requested'>): PendingApproval {
  const { call, name, arguments: args, digest, reason, must, quorum, target, expiresAt } = data
  return {
    ...{ call, name, arguments: args, digest, reason, must: must === true, quorum: quorum ?? 1, votes: [] },
    ...(target === undefined ? {} : { target }),
    ...(expiresAt === undefined ? {} : { expiresAt }),
  }
}

const without = ({ approvals }: Transcript, call: string): Transcript['approvals'] =>
  approvals.filter((one) => one.call !== call)

function leaves(transcript: Transcript, call: string, level: 'info' | 'warning', how: string): TranscriptChange {
  const pending = transcript.approvals.find((one) => one.call === call)
  if (!pending) return { transcript, pieces: [] }
  return {
    transcript: { ...transcript, approvals: without(transcript, call) },
    pieces: [notice(level, `${pending.name}: ${how}.`)],
  }
}

function decided(transcript: Transcript, data: EventData<'approval.decided'>): TranscriptChange {
  const { call, verdict, approver, reason, arguments: args } = data
  const pending = transcript.approvals.find((one) => one.call === call)
  if (!pending) return { transcript, pieces: [] }
  if (verdict === 'denied')
    return leaves(transcript, call, 'warning', `denied by ${approver}${reason === undefined ? '' : ` (${reason})`}`)
  const votes = verdict === 'edited' ? [approver] : [...pending.votes, approver]
  if (votes.length >= pending.quorum)
    return leaves(
      transcript,
      call,
      'info',
      `${verdict === 'edited' ? 'edited and approved' : 'approved'} by ${approver}`,
    )
  const next = { ...pending, votes, ...(args === undefined ? {} : { arguments: args }) }
  const approvals = transcript.approvals.map((one) => (one === pending ? next : one))
  return {
    transcript: { ...transcript, approvals },
    pieces: [notice('info', `${pending.name}: approved by ${approver}.`)],
  }
}

const endings = {
  'max-tool-calls':
    'The agent has used up its tool calls for this turn (max_tool_calls). Ask it to go on, or raise the limit.',
  length: 'The answer was cut off at its greatest length (max_tokens). Ask the agent to go on, or raise the limit.',
  refused: 'The model refused to answer.',
} as const

/** What a person can do now about a turn that failed. */
export function whatToDo(code: string): string {
  switch (code) {
    case 'auth':
      return ' Check the API key in the environment of the server: "reins doctor" shows which providers have one.'
    case 'not-found':
      return ' No configured provider offers this model. "reins doctor" lists the providers, "reins agent update --model" changes the model.'
    case 'rate-limited':
    case 'overloaded':
    case 'network':
    case 'lost':
      return ' Say it again in a while; the session keeps what was said.'
    case 'context-overflow':
      return ' The conversation no longer fits the model: start a new session.'
    case 'no-result':
      return ' Ask again, or describe the answer by a simpler schema.'
    case 'bad-request':
    case 'refused':
      return ' Say it in another way, or look at the details with "reins session events".'
    default:
      return ''
  }
}

function leaveQueue(transcript: Transcript, ids: readonly string[], note?: string): TranscriptChange {
  const pieces: Piece[] = transcript.waiting
    .filter((one) => ids.includes(one.message))
    .map((one) => ({ kind: 'message', message: one.message, text: one.text, ...(note === undefined ? {} : { note }) }))
  return {
    transcript: { ...transcript, waiting: transcript.waiting.filter((one) => !ids.includes(one.message)) },
    pieces,
  }
}

function completeAnswer(transcript: Transcript, data: EventData<'model-call.completed'>): TranscriptChange {
  const { answer, throttledUntil: _, tasks: __, ...rest } = transcript
  const tasks = data.content.flatMap((block) =>
    block.type === 'tool-call' && block.name === 'task' ? [block.call] : [],
  )
  const pieces: Piece[] = []
  const shown = answer?.call === data.call && answer.attempt === data.attempt ? answer.blocks : undefined
  if (answer && !shown && hasShown(answer)) pieces.push({ kind: 'restarted' })
  // The arguments of a call are shown from the request for it, and compared by nothing.
  const differs = data.content.some(
    (block, index) => block.type !== 'tool-call' && !block.text.startsWith(shown?.get(index)?.text ?? ''),
  )
  if (differs) pieces.push({ kind: 'restarted' })
  for (const [index, block] of data.content.entries()) {
    if (block.type === 'tool-call') continue
    const fresh = differs ? block.text : block.text.slice(shown?.get(index)?.text.length ?? 0)
    if (fresh !== '') pieces.push({ kind: block.type, text: fresh })
  }
  pieces.push({ kind: 'answer-ended' })
  const said = data.content.flatMap((block) => (block.type === 'text' ? [block.text] : [])).join('\n\n')
  const next = { ...rest, done: data.call, said, ...(tasks.length > 0 ? { tasks } : {}) }
  return { transcript: next, pieces }
}

/** The code that decides says something, asks a person, or has come to its end. What its agent has just said is not shown twice. */
function pausedCode(
  transcript: Transcript,
  { position, output, expiresAt }: EventData<'run.paused'>,
): TranscriptChange {
  switch (output.type) {
    case 'chat_response': {
      const { said, ...rest } = transcript
      const shown = output.content ?? ''
      const pieces: Piece[] =
        shown === '' || shown === said ? [] : [{ kind: 'text', text: shown }, { kind: 'answer-ended' }]
      return { transcript: { ...rest, phase: transcript.phase === 'running' ? 'idle' : transcript.phase }, pieces }
    }
    case 'elicitation': {
      const { elicitation_id: elicitation, url, message, server_name: server } = output
      const question = {
        ...{ call: runMessage(position), attempt: 1, elicitation, server, mode: 'url' as const, message, url },
        ...{ first: false, page: 'waiting' as const },
        ...(expiresAt === undefined ? {} : { expiresAt }),
      }
      return { transcript: { ...transcript, questions: [...transcript.questions, question] }, pieces: [] }
    }
    case 'session_end':
      return { transcript, pieces: [] }
    default:
      return output satisfies never
  }
}

/** What an attempt had said when it was lost: whoever was not there sees it too, before the answer starts anew. */
function showPartial(transcript: Transcript, call: string, partial: string): TranscriptChange {
  const { answer } = transcript
  if (!answer || answer.call !== call) return { transcript, pieces: [] }
  const texts = [...answer.blocks.values()].flatMap((block) => (block.kind === 'text' ? [block.text] : []))
  const shown = texts.join('')
  if (shown === partial || !partial.startsWith(shown)) return { transcript, pieces: [] }
  const last = Math.max(-1, ...answer.blocks.keys()) + 1
  const blocks = new Map(answer.blocks).set(last, { kind: 'text', text: partial.slice(shown.length) })
  return {
    transcript: { ...transcript, answer: { ...answer, blocks } },
    pieces: [{ kind: 'text', text: partial.slice(shown.length) }],
  }
}

function closeTool(
  transcript: Transcript,
  call: string,
  outcome: ToolOutcome,
  output: string,
  at: number,
  { duration, ref }: { readonly duration?: number; readonly ref?: string } = {},
): TranscriptChange {
  const tool = transcript.tools.find((one) => one.call === call)
  if (!tool) return { transcript, pieces: [] }
  return {
    transcript: {
      ...transcript,
      tools: transcript.tools.filter((one) => one !== tool),
      // A call may end by itself while its server asks.
      questions: transcript.questions.filter((one) => one.call !== call),
    },
    pieces: [
      {
        ...{ kind: 'tool', call, name: tool.name, input: tool.input, outcome, ms: duration ?? at - tool.since, output },
        ...(ref === undefined ? {} : { ref }),
      },
    ],
  }
}

function endTurn(
  transcript: Transcript,
  data: {
    readonly turn: string
    readonly usage: { readonly inputTokens: number; readonly outputTokens: number }
    readonly usd?: number
  },
  status: 'completed' | 'failed' | 'cancelled',
  at: number,
  said: readonly Piece[],
): TranscriptChange {
  const { turn, answer: _answer, throttledUntil: _until, ...rest } = transcript
  const phase = transcript.phase === 'running' ? 'idle' : transcript.phase
  const { inputTokens, outputTokens } = data.usage
  // What costs nothing is not worth a word.
  const used = { inputTokens, outputTokens, ...(data.usd ? { usd: data.usd } : {}) }
  return {
    transcript: { ...rest, phase, tools: [], approvals: [], questions: [] },
    pieces: [
      { kind: 'answer-ended' },
      ...said,
      { kind: 'turn-ended', turn: data.turn, status, ms: turn ? at - turn.since : 0, ...used },
    ],
  }
}
