// Tools for those who take descriptions of a certain length only. What is cut off is what the author wrote last.
import type { ToolSpec } from '@reins/contracts'

/** The least that any provider has been seen to allow, in characters: 1,024. */
const longest = 1_024
const short = new WeakMap<ToolSpec, ToolSpec>()

/** The same object for the same tool, so that it is serialised once. */
export function shortTools(tools: readonly ToolSpec[]): readonly ToolSpec[] {
  return tools.map((tool) => {
    if (tool.description.length <= longest) return tool
    const known = short.get(tool)
    if (known) return known
    const cut = { ...tool, description: `${tool.description.slice(0, longest - 1).toWellFormed()}…` }
    short.set(tool, cut)
    return cut
  })
}
