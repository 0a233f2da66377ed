// reins session prompt
import { contentText, type ModelMessage, type SessionPrompt } from '@reins/contracts'
import { type Command, InvalidArgumentError } from 'commander'
import type { Act, Invocation } from '../../invocation.ts'
import { neutralise, oneLine } from '../../text/neutralise.ts'
import { examples } from '../examples.ts'

interface PromptOptions {
  readonly call?: string
  readonly attempt?: number
}

const number = (text: string): number => {
  if (!/^[1-9]\d{0,4}$/.test(text)) throw new InvalidArgumentError('A whole number from 1 on is valid, such as 2.')
  return Number(text)
}

export function promptCommand(session: Command, act: Act): void {
  session
    .command('prompt')
    .description('Print what the model was sent in a call: system prompt, tools, messages and notices')
    .argument('<session>', 'the id of the session')
    .option('--call <call>', 'the id of a model call, as the events name it (default: the latest call)')
    .option('--attempt <n>', 'which attempt of the call (default: the latest)', number)
    .addHelpText(
      'after',
      `
Reins does not store what it sends: it makes it again from the events of the session, and holds it against the digest
that was recorded with the call. Where the two do not agree, the command says which part differs.
${examples([
  'reins session prompt 01JD…',
  'reins session prompt 01JD… --call c7',
  'reins session prompt 01JD… --json | jq -r .system',
])}`,
    )
    .action((id: string, options: PromptOptions, command: Command) => act(printPrompt)([id, options], command))
}

async function printPrompt(run: Invocation, id: string, options: PromptOptions): Promise<void> {
  const client = await run.client()
  const prompt = await client.sessions.prompt(id, options)
  if (run.json) return run.printJson(prompt)
  const { style } = run
  const part = (title: string, text: string): void => {
    run.print(style.bold(`--- ${title}`))
    run.print(neutralise(text))
  }
  const { recipe } = prompt
  const size = recipe ? `, about ${recipe.tokens} of ${recipe.window} tokens` : ''
  run.print(`${style.bold(`Call ${prompt.call}`)}, attempt ${prompt.attempt}, ${oneLine(prompt.model)}${size}`)
  run.print(checkText(prompt, run))
  if (recipe?.dropped !== undefined)
    run.print(style.yellow(`The ${recipe.dropped} oldest messages were left out, to fit the model's window.`))
  if (recipe?.cut !== undefined)
    run.print(style.yellow(`Results of tools were cut to ${recipe.cut} characters, to fit the model's window.`))
  part('system', prompt.system)
  for (const tool of prompt.tools)
    part(`tool ${oneLine(tool.name)}`, `${tool.description}\n${JSON.stringify(tool.parameters)}`)
  for (const message of prompt.messages) part(titleOf(message), textOf(message))
  for (const notice of prompt.notices) part('notice', notice)
}

function checkText({ check, differs = [] }: SessionPrompt, { style }: Invocation): string {
  switch (check) {
    case 'agrees':
      return style.green('This is exactly what was sent: it agrees with the digest in the log.')
    case 'differs':
      return style.red(
        `This is not exactly what was sent: ${differs.join(', ')} ${differs.length === 1 ? 'differs' : 'differ'} from the digest in the log. Another version of Reins may have sent it.`,
      )
    case 'unrecorded':
      return style.yellow('The log has no digest of this call, so nobody can tell whether exactly this was sent.')
    default:
      return check satisfies never
  }
}

function titleOf(message: ModelMessage): string {
  switch (message.role) {
    case 'user':
    case 'assistant':
      return message.role
    case 'tool':
      return `result of ${oneLine(message.name)} (${oneLine(message.call)})${message.error ? ', an error' : ''}`
    default:
      return message satisfies never
  }
}

function textOf(message: ModelMessage): string {
  switch (message.role) {
    case 'user':
      return contentText([...message.content, ...(message.images ?? [])])
    case 'tool':
      return message.output
    case 'assistant':
      return message.content
        .map((block) => {
          switch (block.type) {
            case 'text':
              return block.text
            case 'reasoning':
              return `[thinks] ${block.text}`
            case 'tool-call':
              return `[calls ${block.name} (${block.call})] ${JSON.stringify(block.arguments)}`
            default:
              return block satisfies never
          }
        })
        .join('\n')
    default:
      return message satisfies never
  }
}
