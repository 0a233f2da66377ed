// Runs one tool call to its outcome. Never throws, never rejects: every error is an outcome.
import { tools } from './builtin/builtin.ts'
import type { ToolContext } from './context.ts'
import { asFailure, failed, ToolFailure, type ToolOutcome } from './outcome.ts'

export async function runTool(name: string, args: unknown, context: ToolContext): Promise<ToolOutcome> {
  const deadline = new AbortController()
  const timer = setTimeout(() => deadline.abort(), context.settings.timeoutMs)
  // The shell keeps its own time, since it has output to give when that is over.
  const signal = name === 'shell' ? context.signal : AbortSignal.any([context.signal, deadline.signal])
  try {
    const tool = tools.find((candidate) => candidate.definition.name === name)
    if (tool === undefined) {
      const names = tools.map((candidate) => candidate.definition.name).join(', ')
      return failed(
        new ToolFailure('invalid-arguments', `unknown tool ${JSON.stringify(name.slice(0, 100))}. There are: ${names}`),
      )
    }
    if (context.signal.aborted) return failed(new ToolFailure('cancelled', 'cancelled before it began'))
    return await tool.run(args, { ...context, signal })
  } catch (error) {
    if (error instanceof ToolFailure) return failed(error)
    if (context.signal.aborted) return failed(new ToolFailure('cancelled', 'cancelled'))
    if (name !== 'shell' && deadline.signal.aborted) {
      return failed(
        new ToolFailure(
          'timeout',
          `timed out after ${context.settings.timeoutMs / 1000} s; ask for less, for example a smaller folder`,
        ),
      )
    }
    return failed(asFailure(error, name))
  } finally {
    clearTimeout(timer)
  }
}
