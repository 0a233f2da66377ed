// A tool as a model is told of it: the same object for the same tool, so that it is serialised and hashed once.
import type { ToolSpec } from '@reins/contracts'

const known = new WeakMap<ToolSpec, ToolSpec>()

export function told(tool: ToolSpec): ToolSpec {
  const made = known.get(tool)
  if (made) return made
  const { name, description, parameters } = tool
  const one = { name, description, parameters }
  known.set(tool, one)
  return one
}
