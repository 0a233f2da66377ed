// reins session budget: what a session may use and has used; and more of it.
import { type Budget, parseBudget } from '@reins/contracts'
import { type Command, InvalidArgumentError } from 'commander'
import { CommandFailure } from '../../failure.ts'
import type { Act, Invocation } from '../../invocation.ts'
import { budgetLines } from '../../text/budget-lines.ts'
import { examples } from '../examples.ts'

interface BudgetOptions {
  readonly raise?: Budget
  readonly goOn: boolean
}

export function budgetCommand(session: Command, act: Act): void {
  session
    .command('budget')
    .description('Show the budget of a session, or raise it; a session that has used it up then goes on')
    .argument('<session>', 'the id of the session')
    .option('--raise <limits>', 'the new limits: tokens=200000,usd=5,tool_calls=100,wall_time=2h', budgetArgument)
    .option('--no-go-on', 'only raise the limits: the session waits for a message')
    .addHelpText('after', examples(['reins session budget 01JD…', 'reins session budget 01JD… --raise tokens=500000']))
    .action((id: string, options: BudgetOptions, command: Command) => act(budget)([id, options], command))
}

/** Of an option: `tokens=200000,usd=5`. */
export function budgetArgument(text: string): Budget {
  const parsed = parseBudget(text)
  if (typeof parsed === 'string') throw new InvalidArgumentError(parsed)
  return parsed
}

async function budget(run: Invocation, id: string, { raise, goOn }: BudgetOptions): Promise<void> {
  const client = await run.client()
  if (raise) {
    const accepted = await client.sessions.raiseBudget(id, { ...raise, ...(goOn ? {} : { go_on: false }) })
    if (run.json) return run.printJson(accepted)
    run.hint('The budget is raised.')
  }
  const session = await client.sessions.get(id)
  if (run.json) return run.printJson({ id, ...(session.budget ? { budget: session.budget } : {}) })
  if (!session.budget)
    throw new CommandFailure(`Session ${id} has no budget: nothing limits what it uses.`, {
      next: 'Give its agent a budget, or start a session with one: reins chat --budget tokens=200000',
    })
  for (const line of budgetLines(session.budget, run)) run.print(line)
}
