// Which secrets a definition names: what its tools may be given, and nothing else.
// A definition is walked as the plain data that it is, so that whatever part of it comes to name secrets does it in one of these forms:
//   secret: NAME              (an MCP server's token)
//   secret_requests: [NAME]   (code of users)
//   'secret:NAME'             as a whole value (a header, an environment variable)

const reference = /^secret:([A-Za-z0-9_][A-Za-z0-9_.-]*)$/

/** undefined: the text is no reference to a secret. */
export const secretReference = (text: string): string | undefined => reference.exec(text)?.[1]

export function secretNamesIn(definition: unknown): ReadonlySet<string> {
  const names = new Set<string>()
  const walk = (value: unknown): void => {
    if (typeof value === 'string') {
      const name = secretReference(value)
      if (name !== undefined) names.add(name)
    } else if (Array.isArray(value)) for (const item of value) walk(item)
    else if (typeof value === 'object' && value !== null)
      for (const [key, member] of Object.entries(value)) {
        if (key === 'secret' && typeof member === 'string') names.add(secretReference(member) ?? member)
        else if (key === 'secret_requests' && Array.isArray(member)) {
          for (const name of member) if (typeof name === 'string') names.add(name)
        } else walk(member)
      }
  }
  walk(definition)
  return names
}
