// One event on one line: when, which, by whom, and what matters of it.
import {
  type ApiEvent,
  amountText,
  budgetNames,
  contentText,
  limitNamed,
  type ServerAnswer,
  usdText,
} from '@reins/contracts'
import { knownEvent, textOf } from '@reins/transcript'
import { toolInput } from '../../chat/painting/tool-line.ts'
import { cut, pad } from '../../text/cells.ts'
import { oneLine } from '../../text/neutralise.ts'
import type { Style } from '../../text/style.ts'
import { clockTime, span } from '../../text/when.ts'

export interface LineOptions {
  readonly style: Style
  readonly width: number | undefined
  readonly zone?: string | undefined
  /** Show which session of the tree it belongs to. */
  readonly tree: boolean
}

export function eventLine(event: ApiEvent, options: LineOptions): string {
  const { style } = options
  const place = `${event.n}.${event.i}`
  const parts = [
    style.dim(clockTime(event.at, options.zone)),
    pad(place, 6),
    ...(options.tree ? [style.dim(pad((event.session ?? '').slice(26) || 'root', 17))] : []),
    pad(colour(event.type, style)(oneLine(event.type)), 22),
    oneLine(summary(event)),
  ]
  const line = parts.join(' ').trimEnd()
  return options.width === undefined ? line : cut(line, options.width)
}

function colour(type: string, style: Style): (text: string) => string {
  if (/failed|quarantined|unknown|late-result/.test(type)) return style.red
  if (/cancel|throttled|paused|dropped/.test(type)) return style.yellow
  if (type.startsWith('tool')) return style.blue
  if (type.startsWith('model')) return style.magenta
  if (type.startsWith('message')) return style.cyan
  return style.bold
}

function serverLine(answer: ServerAnswer): string {
  if (answer.status === 'unavailable') return `${answer.server} unavailable: ${answer.reason}`
  if (answer.workspace) {
    const { instructions, skills, problems = [] } = answer.workspace
    const told = [...(instructions === undefined ? [] : ['AGENTS.md']), ...skills.map(({ name }) => `skill ${name}`)]
    return `workspace: ${told.join(', ') || 'nothing'}${problems.length > 0 ? `; not used: ${problems.join(' ')}` : ''}`
  }
  return answer.tools ? `${answer.server}: ${answer.tools.length} tools` : `${answer.server}: as before`
}

const attempt = (n: number): string => (n > 1 ? ` (attempt ${n})` : '')

/** What a person looks for in an event; of a type that this version does not know, its data. */
export function summary(event: ApiEvent): string {
  const known = knownEvent(event)
  if (!known) return JSON.stringify(event.data ?? null).slice(0, 2000)
  switch (known.type) {
    case 'session.started':
      return `${known.data.agent} ${known.data.model} pool ${known.data.pools.executor}`
    case 'session.forked':
      return `from ${known.data.from} after frame ${known.data.n} (${known.data.agent} ${known.data.model})`
    case 'session.renamed':
      return known.data.title
    case 'session.paused':
      return `${known.data.tree ? 'with everything below ' : ''}${known.data.reason ?? ''}`.trimEnd()
    case 'session.quarantined':
      return `${known.data.reason} (frame ${known.data.frame})`
    case 'session.ended':
      return known.data.reason
    case 'session.archived':
      return `${known.data.frames} frames, from #${known.data.first} on, in ${known.data.object}`
    case 'session.erased':
      return 'nothing of what was said before this frame is kept'
    case 'session.erasure-completed':
      return `${known.data.sessions} sessions, ${known.data.frames} frames, ${known.data.objects} objects`
    case 'session.resumed':
    case 'session.released':
    case 'session.settled':
      return ''
    case 'message.received':
      return `"${textOf(known.data.content).slice(0, 2000)}"${known.data.onBusy === 'queue' ? '' : ` (${known.data.onBusy})`}`
    case 'images.attached':
      return contentText(known.data.images)
    case 'message.joined':
      return `${known.data.message} → ${known.data.turn}`
    case 'message.dropped':
      return `${known.data.message}: ${known.data.reason}`
    case 'turn.started':
      return known.data.turn
    case 'turn.completed':
      return `${known.data.reason}, ${known.data.usage.inputTokens} tokens in, ${known.data.usage.outputTokens} out${known.data.usd === undefined ? '' : `, $${usdText(known.data.usd)}`}`
    case 'turn.failed':
      return `${known.data.error.code}: ${known.data.error.message}`
    case 'turn.cancelled':
      return known.data.reason
    case 'model-call.started':
      return `${known.data.model}${attempt(known.data.attempt)}${known.data.final ? ' (no more tools)' : ''}${throttledText(known.data.throttled)}`
    case 'model-call.completed':
      return known.data.content
        .map((block) =>
          block.type === 'tool-call' ? `[${block.name}]` : block.type === 'text' ? block.text : '[thought]',
        )
        .join(' ')
        .slice(0, 2000)
    case 'model-call.failed':
      return `${known.data.error.code}: ${known.data.error.message}${attempt(known.data.attempt)}`
    case 'model-call.throttled':
      return `${known.data.error.code}, again in ${span(known.data.until - event.at)}`
    case 'tool-calls.requested':
      return known.data.calls.map((call) => `${call.name}(${toolInput(call.arguments)})`).join(', ')
    case 'tool-call.started':
      return `${known.data.call}${attempt(known.data.attempt)}`
    case 'tool-call.completed':
    case 'tool-call.late-result': {
      const time = known.data.duration === undefined ? '' : ` ${span(known.data.duration)}`
      return `${known.data.status}${time} ${known.data.output.slice(0, 2000)}`
    }
    case 'files.kept':
      return `${known.data.call} ${known.data.files} files, ${known.data.bytes} bytes`
    case 'tool-call.cancelled':
      return known.data.call
    case 'tool-call.outcome-unknown':
      return known.data.message
    case 'delegation.requested':
      return `${known.data.agent} → ${known.data.child}`
    case 'delegation.cancel-requested':
    case 'delegation.pause-requested':
    case 'delegation.unpause-requested':
      return known.data.child
    case 'delegation.resumed':
      return `${known.data.agent} → ${known.data.child}, again`
    case 'delegation.held':
      return `${known.data.child}: ${known.data.sessions} ${known.data.sessions === 1 ? 'session' : 'sessions'} paused`
    case 'delegation.continued':
      return known.data.call
    case 'delegation.paused':
      return `${known.data.child}: ${JSON.stringify(known.data.output).slice(0, 2000)}`
    case 'agents.declared':
      return known.data.agents.map(({ name, gone }) => `${name}${gone ? ' (deleted)' : ''}`).join(', ')
    case 'workflows.declared':
      return known.data.workflows.map(({ agent, workflow }) => `${agent}: ${workflow}`).join(', ')
    case 'task.declared':
      return known.data.agents.join(', ')
    case 'parent.declared':
      return known.data.onPause
    case 'delegation.settled':
      return `${known.data.status} ${known.data.output.slice(0, 2000)}`
    case 'memory.declared':
      return `${known.data.provider} ${known.data.scope}`
    case 'planning.declared':
      return `${known.data.maxSteps} steps at most${known.data.approve ? ', approved by a person' : ''}`
    case 'plan.updated':
      return known.data.steps.map(({ name, status }) => `${name} ${status}`).join(', ')
    case 'skills.declared':
      return known.data.skills.map(({ name }) => name).join(', ')
    case 'workspace.declared':
      return ''
    case 'tools.permitted':
      return `for ${known.data.principal}: ${known.data.tools.join(', ') || 'none'}`
    case 'output.declared':
    case 'output.requested':
      return JSON.stringify(known.data.schema).slice(0, 2000)
    case 'output.checked':
      return known.data.problems.length === 0 ? 'fits its schema' : known.data.problems.join('; ').slice(0, 2000)
    case 'toolset.declared':
      return known.data.servers.map(({ server }) => server).join(', ')
    case 'toolset.requested':
      return `until ${clockTime(known.data.until)}`
    case 'toolset.resolved':
      return known.data.servers.map(serverLine).join('; ')
    case 'toolset.changed':
      return known.data.servers.join(', ')
    case 'timer.armed':
      return `in ${span(known.data.at - event.at)}`
    case 'timer.fired':
      return known.data.timer
    case 'cancel.requested':
      return known.data.end ? 'and end' : ''
    case 'approvals.pinned':
      return known.data.mode
    case 'approval.requested':
      return `${known.data.name}(${toolInput(known.data.arguments)}): ${known.data.reason}`
    case 'approval.decided':
      return `${known.data.call}: ${known.data.verdict} by ${known.data.approver}${known.data.reason === undefined ? '' : `: ${known.data.reason}`}`
    case 'approval.granted':
      return `${known.data.call}: by the grant ${known.data.grant}`
    case 'approval.expired':
    case 'approval.withdrawn':
      return known.data.call
    case 'approval.needed':
      return `${known.data.call}: ${known.data.reason}`
    case 'elicitation.requested':
      return `[${known.data.server}] ${known.data.message}${known.data.url === undefined ? '' : ` ${known.data.url}`}`
    case 'elicitation.answered':
      return `${known.data.call}: ${known.data.action} by ${known.data.person}`
    case 'elicitation.completed':
    case 'elicitation.remembered':
    case 'elicitation.expired':
    case 'elicitation.withdrawn':
      return known.data.call
    case 'grant.added':
      return `${known.data.grant}: ${known.data.tool}${known.data.target === undefined ? '' : ` ${known.data.target}`}`
    case 'grant.revoked':
      return known.data.grant
    case 'context.declared':
    case 'context.compaction-requested':
      return ''
    case 'context.compaction-declined':
      return known.data.why
    case 'context.pruned':
      return `old results of tools before message ${known.data.to}`
    case 'context.compaction-started':
      return `${known.data.compaction}: messages ${known.data.from} to ${known.data.to}, by ${known.data.model} (${known.data.reason})`
    case 'context.compacted':
      return `${known.data.compaction}: ${known.data.to - known.data.from} messages, ${known.data.how}: ${known.data.summary}`
    case 'context.compaction-failed':
    case 'context.compaction-throttled':
      return `${known.data.compaction}: ${known.data.error.message}`
    case 'context.restored':
      return known.data.compaction
    case 'budget.declared':
    case 'budget.raised':
    case 'budget.granted':
      return budgetNames
        .flatMap((name) => {
          const limit = limitNamed(known.type === 'budget.granted' ? known.data.limits : known.data, name)
          return limit === undefined ? [] : [`${name} ${amountText(name, limit)}`]
        })
        .join(', ')
    case 'budget.reached': {
      const { budget, spent, limit } = known.data
      return `${budget}: ${amountText(budget, spent)} of ${amountText(budget, limit)}`
    }
    case 'session.upgraded': {
      const { from, code, pinned } = known.data
      const build = code ? ` (${code.project} build ${code.build})` : ''
      return `${from.slice(0, 19)} -> ${pinned.digest.slice(0, 19)}${build} ${pinned.model}`
    }
    case 'agent.configured': {
      const { code, pinned } = known.data
      return `${code.project} build ${code.build}${pinned ? ` ${pinned.model} ${pinned.digest.slice(0, 19)}` : ''}`
    }
    case 'prompt.configured': {
      const { digest, pinned } = known.data
      return `${digest.slice(0, 19)}${pinned ? ` ${pinned.model}` : ''}`
    }
    case 'workspace.found': {
      const { instructions, skills } = known.data.found
      return [...(instructions === undefined ? [] : ['AGENTS.md']), ...skills.map(({ name }) => name)].join(', ')
    }
    case 'tools.given':
      return known.data.tools.join(', ')
    case 'run.declared':
      return `${known.data.file} ${known.data.digest.slice(0, 19)}`
    case 'run.replay-started':
      return `${known.data.replay}${attempt(known.data.attempt)}`
    case 'run.replay-ended':
      return `${known.data.replay}${attempt(known.data.attempt)}: ${known.data.how}${known.data.error ? ` (${known.data.error.message})` : ''}`
    case 'run.logged': {
      const { level, message, attributes, step } = known.data
      const more = attributes === undefined ? '' : ` ${JSON.stringify(attributes).slice(0, 2000)}`
      return `${level}${step === undefined ? '' : ` (step ${step})`} ${message.slice(0, 2000)}${more}`
    }
    case 'run.recorded':
      return `${known.data.position} ${known.data.name}: ${JSON.stringify(known.data.value ?? null).slice(0, 2000)}`
    case 'run.step-started':
      return `${known.data.position} ${known.data.name}${attempt(known.data.attempt)}`
    case 'run.step-ended': {
      const { position, status, value, error } = known.data
      return `${position} ${status} ${(error?.message ?? JSON.stringify(value ?? null)).slice(0, 2000)}`
    }
    case 'run.called':
      return `${known.data.position} ${known.data.name}: "${textOf(known.data.content).slice(0, 2000)}"`
    case 'run.slept':
      return `${known.data.position} until ${new Date(known.data.until).toISOString()}`
    case 'run.paused': {
      const { position, output } = known.data
      const said =
        output.type === 'chat_response'
          ? output.content
          : output.type === 'elicitation'
            ? output.message
            : output.reason
      return `${position} ${output.type} ${(said ?? '').slice(0, 2000)}`.trimEnd()
    }
    case 'run.resumed':
      return `${known.data.position} by ${known.data.message}`
    case 'run.withdrawn':
      return String(known.data.position)
    case 'run.invoked':
      return `${known.data.workflow} ${JSON.stringify(known.data.payload ?? null).slice(0, 2000)}`
    case 'run.initialized':
      return `${known.data.position} ${known.data.name}: ${known.data.agent}`
    case 'run.prompted':
      return `${known.data.position} ${known.data.child}: "${textOf(known.data.content).slice(0, 2000)}"`
    case 'run.waited':
      return `${known.data.position} for ${known.data.event ?? 'input'}`
    case 'run.continued':
      return `${known.data.position}: ${JSON.stringify(known.data.value ?? null).slice(0, 2000)}`
    case 'run.delivered':
      return `${known.data.event ?? 'input'} ${JSON.stringify(known.data.value ?? null).slice(0, 2000)}`
    case 'delegation.prompted':
      return known.data.call
    case 'tool.asked':
      return `${known.data.name} ${JSON.stringify(known.data.arguments).slice(0, 2000)}`
    case 'run.ended':
      return `${known.data.status}${known.data.error ? ` ${known.data.error.code}: ${known.data.error.message}${known.data.error.where ? ` (${known.data.error.where})` : ''}` : ''}`
    default:
      return known satisfies never
  }
}

const throttledText = (throttled: { readonly ms: number; readonly reason: string } | undefined): string =>
  throttled === undefined ? '' : ` (throttled for ${span(throttled.ms)}: ${throttled.reason})`
