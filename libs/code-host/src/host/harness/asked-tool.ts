// A call of a tool that code asks for, as it is handed on: `ctx.tool('grep', { pattern: 'x' })`.
import { asJson } from '../json.ts'

interface AskedTool {
  readonly tool: { readonly name: string; readonly arguments: unknown }
  /** What stands in the log in the place of a person's words. */
  readonly message: string
}

const mostName = 128

/** An error: what is wrong with it. */
export function askedTool(name: unknown, args: unknown = {}, valueChars: number): AskedTool | TypeError {
  const form = `tool() takes the name of a tool and its arguments: tool('grep', { pattern: 'x' })`
  if (typeof name !== 'string' || name === '' || name.length > mostName) return new TypeError(form)
  if (typeof args !== 'object' || args === null || Array.isArray(args)) return new TypeError(form)
  const json = asJson(args, valueChars, `the arguments of ${name}`)
  if (json.kind !== 'json') return new TypeError(json.message)
  return { tool: { name, arguments: JSON.parse(json.text) }, message: `The code calls ${name}.` }
}
