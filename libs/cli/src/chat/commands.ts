// The commands that can be typed into the chat.
const known = ['help', 'session', 'quit', 'cancel', 'pause', 'resume'] as const
export type SlashCommand = (typeof known)[number] | 'unknown'

/** undefined: a message like any other, such as one that begins with a path. */
export function slashCommand(text: string): SlashCommand | undefined {
  const word = /^\/([a-z]+)$/.exec(text.trim())?.[1]
  if (word === undefined) return undefined
  if (word === 'exit') return 'quit'
  return known.find((name) => name === word) ?? 'unknown'
}

export const commandHelp = `/help      this
/session   the id of this session
/cancel    cancel the turn that runs, and the messages that wait
/pause     stop after what runs now
/resume    go on after a pause
/quit      leave (Ctrl-D too); the session stays
Enter sends; a backslash before it, Alt-Enter or Ctrl-J begins a new line. Up and Down go through what was typed before.
Ctrl-C clears the line, or cancels the turn. What is typed while a turn runs waits for its end.`
