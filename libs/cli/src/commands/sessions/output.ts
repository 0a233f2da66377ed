// reins session output
import type { OutputPage } from '@reins/client'
import type { Command } from 'commander'
import { CommandFailure } from '../../failure.ts'
import type { Act, Invocation } from '../../invocation.ts'
import { neutralise, plainJson } from '../../text/neutralise.ts'
import { examples } from '../examples.ts'

export function outputCommand(session: Command, act: Act): void {
  session
    .command('output')
    .description('Print the whole output of a tool call whose answer holds only a part of it; kept for 7 days')
    .argument('<session>', 'the id of the session')
    .argument('<output>', 'the id of the tool call, or the ref that its answer names')
    .addHelpText(
      'after',
      examples([
        'reins session output 01JD… call_1',
        'reins session output 01JD… sha256-9f86… > build.log',
        'reins session output 01JD… call_1 --json | jq -r .output',
      ]),
    )
    .action((id: string, named: string, _options: object, command: Command) => act(printOutput)([id, named], command))
}

/**
 * Page by page, also as JSON: what is printed is not held, however much a server sends. In a terminal nothing of it drives the terminal.
 */
async function printOutput(run: Invocation, id: string, named: string): Promise<void> {
  const client = await run.client()
  const decoder = new TextDecoder()
  const { stdout } = run.context
  const take = (text: string): void => {
    if (run.json) stdout.write(plainJson(inJson(text)))
    else stdout.write(stdout.isTTY === true ? neutralise(text) : text)
  }
  let first: OutputPage | undefined
  for (let offset = 0; !run.signal.aborted; ) {
    const page = await client.sessions.output(id, first?.ref ?? named, { offset })
    if (!first && run.json) stdout.write(plainJson(beginning(id, page)))
    first ??= page
    offset += page.bytes.length
    if (page.size !== first.size || offset > page.size || (page.bytes.length === 0 && offset < page.size))
      throw new CommandFailure(`The server does not send the ${first.size} bytes that it said the output has.`, {
        next: 'Ask again. If it stays so, look at the log of the server.',
      })
    take(decoder.decode(page.bytes, { stream: true }))
    if (offset < page.size) continue
    take(decoder.decode())
    if (run.json) stdout.write('"\n}\n')
    return
  }
}

/** What stands in quotation marks. */
const inJson = (text: string): string => JSON.stringify(text).slice(1, -1)

/** As `printJson` writes it, up to the text of the output. */
function beginning(session: string, { ref, size }: OutputPage): string {
  const whole = JSON.stringify({ session, ref, bytes: size, output: '' }, null, 2)
  return whole.slice(0, whole.lastIndexOf('"'))
}
