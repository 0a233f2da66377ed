// The commands that can be typed into the chat.
import { imageAsked, inCommon } from '../../images/image-paths.ts'

const known = ['help', 'session', 'image', 'quit', 'cancel', 'pause', 'resume', 'compact', 'restore', 'budget'] as const
export type SlashCommand = (typeof known)[number] | 'unknown'

/** What stands behind `/budget`, such as `tokens=400000`; undefined: nothing does, or the text is another one. */
export const budgetAsked = (text: string): string | undefined => /^\/budget(?: +(\S+))?$/.exec(text.trim())?.[1]

/** undefined: a message like any other, such as one that begins with a path. */
export function slashCommand(text: string): SlashCommand | undefined {
  if (budgetAsked(text) !== undefined) return 'budget'
  if (imageAsked(text) !== undefined) return 'image'
  const word = /^\/([a-z]+)$/.exec(text.trim())?.[1]
  if (word === undefined) return undefined
  if (word === 'exit') return 'quit'
  return known.find((name) => name === word) ?? 'unknown'
}

/** What Tab makes of the beginning of a command; undefined: of this text, nothing. */
export function commandCompleted(text: string): string | undefined {
  const begun = /^\/([a-z]*)$/.exec(text)?.[1]
  const names = begun === undefined ? [] : known.filter((name) => name.startsWith(begun))
  if (names.length === 0) return undefined
  return `/${inCommon(names)}${names.length === 1 && names[0] === 'image' ? ' ' : ''}`
}

export const commandHelp = `/help      show this help
/session   show the id of this session
/image     /image screen.png shows the model that image with your next message; /image alone lists what
           goes with it, /image none takes it back. An image file that you drop on the terminal counts too
/cancel    cancel the running turn and the messages that wait for it
/pause     pause the session and all agents below: what runs now ends, nothing new starts
/resume    resume the paused session
/compact   summarise the conversation so far for the model; the log keeps all of it
/restore   undo the latest summary
/budget    show the budget of this session; /budget tokens=400000 raises a limit, and the session goes on
/quit      leave the chat, as Ctrl-D does; the session stays
Tab completes a command, and a path behind /image.
Enter sends the message. A backslash before Enter, Alt-Enter or Ctrl-J begins a new line. Up and Down go through your
earlier messages. Where a call waits for you, also one of an agent below: a approves it once, A for this session, e edits it, d denies it with a
reason; Enter alone decides nothing. Where an MCP server asks you something: y or Enter agrees, n declines, Ctrl-C or
Escape cancels the question. Ctrl-O opens and folds what agents below do. Otherwise Ctrl-C clears the line, or cancels the turn. A message that you send while a turn runs waits for its end.`
