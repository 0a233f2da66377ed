// What the app of a project prints and throws, for whoever develops it: read from the lines of the log, where secrets are masked already.
import { neutralise } from '@reins/cli'
import { fieldsOf, jsonValue } from '@reins/contracts'

const mostLines = 40

/** The lines to show for one line of the log; none where it is about something else. */
export function appOutput(line: string): readonly string[] {
  if (!line.includes('"the app ')) return []
  const { msg, printed, said, method, message } = fieldsOf(jsonValue(line))
  switch (msg) {
    case 'the app printed':
      return shown(printed)
    case 'the app logged':
      return shown(said)
    case 'the app did not answer a request':
      return shown(`${String(method)}: ${String(message)}`)
    default:
      return []
  }
}

function shown(text: unknown): readonly string[] {
  if (typeof text !== 'string') return []
  const lines = neutralise(text).trimEnd().split('\n')
  const more = lines.length - mostLines
  return [...lines.slice(0, mostLines), ...(more > 0 ? [`… ${more} more lines, in logs/reins.log`] : [])].map(
    (one) => `app: ${one}`,
  )
}
