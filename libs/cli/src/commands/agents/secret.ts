// reins secret …
import { anywhereMaskedChars, type SecretInfo } from '@reins/contracts'
import { type Command, Option } from 'commander'
import { usageFailure } from '../../failure.ts'
import { hiddenLine } from '../../hidden-input.ts'
import type { Act, Invocation } from '../../invocation.ts'
import { oneLine } from '../../text/neutralise.ts'
import { table } from '../../text/table.ts'
import { ago } from '../../text/when.ts'
import { examples } from '../examples.ts'

const format = () => new Option('--format <form>', 'print in this form').choices(['simple', 'json'])

export function secretCommands(program: Command, act: Act): void {
  const secret = program
    .command('secret')
    .alias('secrets')
    .description('Keep secrets for agents: encrypted, used by their tools, and never shown again')
  secret
    .command('set')
    .description('Keep a secret under a name, or give it a new value')
    .argument('<secret>', 'the name of the secret, such as GITHUB_TOKEN')
    .argument('[value]', 'its value; without it, reins asks for it and shows nothing, or reads it from stdin')
    .addOption(format())
    .addHelpText(
      'after',
      '\nA value in the command line stays in the history of your shell, and other users of this machine can see it while\nthe command runs. One line end at the end of what stdin holds is not part of the value.\n' +
        examples([
          'reins secret set GITHUB_TOKEN                  # asks for the value',
          'gh auth token | reins secret set GITHUB_TOKEN',
          'reins secret set DEPLOY_KEY < ~/.ssh/deploy_key',
        ]),
    )
    .action((name: string, value: string | undefined, _options: object, command: Command) =>
      act(set)([name, value], command),
    )
  secret
    .command('list')
    .description('List the names of the secrets, and who set them when')
    .addOption(format())
    .addHelpText('after', examples(['reins secret list', 'reins secret list --json']))
    .action((_options: object, command: Command) => act(list)([], command))
  secret
    .command('remove')
    .description('Remove a secret; tools that ask for it fail from then on')
    .argument('<secret>', 'the name of the secret')
    .addOption(format())
    .addHelpText('after', examples(['reins secret remove GITHUB_TOKEN']))
    .action((name: string, _options: object, command: Command) => act(remove)([name], command))
  secret
    .command('rotate-key')
    .description('Make a new key for all secrets, while everything goes on; their values stay')
    .addOption(format())
    .addHelpText(
      'after',
      '\nIf it is interrupted, all secrets stay readable. Run it again, and it finishes.\n' +
        examples(['reins secret rotate-key']),
    )
    .action((_options: object, command: Command) => act(rotate)([], command))
}

async function set(run: Invocation, name: string, given: string | undefined): Promise<void> {
  const value = given ?? (await readValue(run, name))
  if (value === '') throw usageFailure(`The value of ${name} is empty.`, 'Give the value as text on stdin, or type it.')
  const client = await run.client()
  const { secret, outcome } = await client.secrets.set(name, value)
  if (run.json) return run.printJson({ secret, outcome })
  run.print(outcome === 'created' ? `Kept the secret ${secret.name}.` : `Gave the secret ${secret.name} its new value.`)
  if (value.length < anywhereMaskedChars)
    run.hint(
      run.style.yellow(
        `It has fewer than ${anywhereMaskedChars} characters, so Reins masks it in outputs only where it stands alone.`,
      ),
    )
}

async function readValue(run: Invocation, name: string): Promise<string> {
  const { stdin, stderr } = run.context
  if (stdin.isTTY === true) return hiddenLine(stdin, stderr, `Value of ${name} (it is not shown): `, run.signal)
  const text = await everything(run)
  return text.replace(/\r?\n$/, '')
}

function everything({ context: { stdin }, signal }: Invocation): Promise<string> {
  return new Promise((resolve) => {
    let text = ''
    const take = (chunk: string) => {
      text += chunk
    }
    const done = () => {
      stdin.off('data', take)
      stdin.off('end', done)
      stdin.pause()
      resolve(text)
    }
    stdin.setEncoding('utf8')
    stdin.on('data', take)
    stdin.on('end', done)
    signal.addEventListener('abort', done)
    stdin.resume()
  })
}

async function list(run: Invocation): Promise<void> {
  const client = await run.client()
  const secrets = await client.secrets.list()
  if (run.json) return run.printJson({ secrets })
  if (secrets.length === 0) return run.hint('There are no secrets. Keep one with reins secret set NAME')
  const rows = secrets.map(({ name, updatedAt, by }: SecretInfo) => [
    oneLine(name),
    ago(updatedAt, run.context.now()),
    oneLine(by),
  ])
  const columns = [{ title: 'NAME' }, { title: 'SET' }, { title: 'BY', gives: true }]
  for (const line of table(columns, rows, { width: run.width, title: run.style.bold })) run.print(line)
}

async function remove(run: Invocation, name: string): Promise<void> {
  const client = await run.client()
  await client.secrets.delete(name)
  if (run.json) return run.printJson({ name })
  run.print(`Removed the secret ${name}.`)
}

async function rotate(run: Invocation): Promise<void> {
  const client = await run.client()
  const rotation = await client.secrets.rotateKey()
  if (run.json) return run.printJson(rotation)
  const { outcome, key, rewrapped, next } = rotation
  const secrets = `${rewrapped} ${rewrapped === 1 ? 'secret' : 'secrets'}`
  run.print(
    {
      rotated: `All secrets are under the new key ${key} (${secrets} wrapped anew).`,
      finished: `Finished the change of the key that was begun before: all secrets are under the key ${key} (${secrets} wrapped anew).`,
      kept: `All secrets were under the key ${key} already.`,
    }[outcome],
  )
  if (next !== undefined) run.hint(run.style.yellow(next))
}
