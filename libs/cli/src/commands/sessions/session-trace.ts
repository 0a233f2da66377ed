// reins session trace: the trace of a session, made again from its log: as lines, as OTLP, or sent to a collector.
import { rootOf } from '@reins/contracts'
import { type Span, SpansOfEvents, spansWithin } from '@reins/trace'
import type { Command } from 'commander'
import { allEvents } from '../../event-pages.ts'
import { CommandFailure, usageFailure } from '../../failure.ts'
import type { Act, Invocation } from '../../invocation.ts'
import { traceLines } from '../../text/trace-lines.ts'
import { unreadableLines } from '../../text/tree-lines.ts'
import { examples } from '../examples.ts'

interface TraceOptions {
  readonly otlp?: string
  readonly content?: true
}

export function traceCommand(session: Command, act: Act): void {
  session
    .command('trace')
    .description('Show where the time of a session and of all that it delegated went, or send its spans to a collector')
    .argument('<session>', 'the id of the session')
    .option('--otlp <url>', 'send the spans to this collector (OTLP over HTTP), such as http://127.0.0.1:4318')
    .option('--content', 'put what people, models and tools have said into the spans')
    .addHelpText(
      'after',
      examples([
        'reins session trace 01JD…',
        'reins session trace 01JD… --json > trace.json',
        'reins session trace 01JD… --otlp http://127.0.0.1:4318',
      ]),
    )
    .action((id: string, options: TraceOptions, command: Command) => act(trace)([id, options], command))
}

/** Of one attribute. */
const contentCharacters = 16_000

async function trace(run: Invocation, id: string, { otlp, content }: TraceOptions): Promise<void> {
  const url = otlp === undefined ? undefined : collector(otlp)
  const client = await run.client()
  const events = new SpansOfEvents(id, content ? { content: { characters: contentCharacters } } : {})
  const lacking = new Set<string>()
  for await (const page of allEvents(client, id, { tree: true, signal: run.signal })) {
    events.add(page.events)
    for (const one of page.unreadable ?? []) lacking.add(one)
  }
  for (const line of unreadableLines([...lacking], run.style)) run.context.stderr.write(`${line}\n`)
  const { closed, open } = events.spans()
  const own = (spans: readonly Span[]) => (id === rootOf(id) ? spans : spansWithin(spans, id))
  if (url) return send(run, own(closed), url)
  if (run.json) {
    const { otlpJson } = await import('@reins/trace/otlp')
    return run.printJson(otlpJson(own(closed)))
  }
  const shown = own([...closed, ...open])
  if (shown.length === 0) return run.hint('Nothing of this session has begun yet.')
  const ids = [...new Set(shown.map(({ traceId }) => traceId))]
  for (const traceId of ids) {
    run.print(run.style.dim(`trace ${traceId}`))
    const openIds = new Set(open.map(({ spanId }) => spanId))
    const spans = shown.filter((span) => span.traceId === traceId)
    for (const line of traceLines(spans, openIds, run.width, run.style)) run.print(line)
  }
}

function collector(text: string): URL {
  const url = URL.canParse(text) ? new URL(text) : undefined
  if (url?.protocol !== 'http:' && url?.protocol !== 'https:')
    throw usageFailure(`${text} is no URL of a collector.`, 'Give one such as http://127.0.0.1:4318')
  return url
}

async function send(run: Invocation, spans: readonly Span[], url: URL): Promise<void> {
  const { otlpSink } = await import('@reins/trace/otlp')
  const sink = otlpSink({ url: url.href })
  try {
    await sink.export(spans)
  } catch (error) {
    throw new CommandFailure(
      `The collector did not take the spans: ${error instanceof Error ? error.message : String(error)}`,
      { next: `Look whether a collector listens at ${url.origin} and takes OTLP over HTTP.` },
    )
  } finally {
    await sink.close()
  }
  const traces = new Set(spans.map(({ traceId }) => traceId))
  run.print(`${spans.length} spans of ${traces.size} ${traces.size === 1 ? 'trace' : 'traces'} sent to ${url.origin}.`)
  for (const traceId of traces) run.print(traceId)
}
