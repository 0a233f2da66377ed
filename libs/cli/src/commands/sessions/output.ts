// reins session output
import type { Command } from 'commander'
import type { Act, Invocation } from '../../invocation.ts'
import { neutralise } from '../../text/neutralise.ts'
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

/** Page by page: what is printed is not held. In a terminal nothing of it drives the terminal. */
async function printOutput(run: Invocation, id: string, named: string): Promise<void> {
  const client = await run.client()
  const decoder = new TextDecoder()
  const { stdout } = run.context
  const parts: string[] = []
  const take = (text: string): void => {
    if (run.json) parts.push(text)
    else stdout.write(stdout.isTTY === true ? neutralise(text) : text)
  }
  let which = named
  for (let offset = 0; ; ) {
    const page = await client.sessions.output(id, which, { offset })
    which = page.ref
    offset += page.bytes.length
    take(decoder.decode(page.bytes, { stream: true }))
    if (offset < page.size && page.bytes.length > 0) continue
    take(decoder.decode())
    if (run.json) run.printJson({ session: id, ref: page.ref, bytes: page.size, output: parts.join('') })
    return
  }
}
