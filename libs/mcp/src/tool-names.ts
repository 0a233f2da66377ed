// What a model calls a tool of a server: `mcp__<server>__<tool>`, of letters, digits, "_" and "-", 64 characters at most. The same tool has
// the same name for ever: a name that had to be changed ends in a digest of what it was.
import { createHash } from 'node:crypto'
import { limits } from './limits.ts'

export function toolName(server: string, tool: string): string {
  const plain = tool.replaceAll(/[^A-Za-z0-9_-]/g, '_')
  const whole = `mcp__${server}__${plain}`
  if (plain === tool && whole.length <= limits.nameChars) return whole
  const digest = createHash('sha256').update(`${server}\0${tool}`).digest('hex').slice(0, 8)
  return `${whole.slice(0, limits.nameChars - digest.length - 1)}_${digest}`
}

/** `*` stands for any text. */
export function matches(pattern: string, tool: string): boolean {
  const [first = '', ...rest] = pattern.split('*')
  if (rest.length === 0) return tool === pattern
  const last = rest.pop() ?? ''
  if (!tool.startsWith(first) || !tool.endsWith(last) || tool.length < first.length + last.length) return false
  let at = first.length
  for (const part of rest) {
    const found = tool.indexOf(part, at)
    if (found < 0 || found + part.length > tool.length - last.length) return false
    at = found + part.length
  }
  return true
}

export const isAllowed = (
  { allow, deny }: { readonly allow: readonly string[] | null; readonly deny: readonly string[] },
  tool: string,
): boolean =>
  (allow === null || allow.some((pattern) => matches(pattern, tool))) && !deny.some((pattern) => matches(pattern, tool))
