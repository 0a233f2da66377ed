// reins mcp …
import type { McpTried } from '@reins/contracts'
import type { Command } from 'commander'
import { QuietExit } from '../../failure.ts'
import type { Act, Invocation } from '../../invocation.ts'
import { cut } from '../../text/cells.ts'
import { oneLine } from '../../text/neutralise.ts'
import { span } from '../../text/when.ts'
import { examples } from '../examples.ts'

export function mcpCommands(program: Command, act: Act): void {
  const mcp = program.command('mcp').description('Try the MCP servers of agents')
  mcp
    .command('test')
    .argument('<agent>', 'its name')
    .description("Connect to an agent's MCP servers and tell what each has; exit code 1 where one is missing")
    .addHelpText('after', examples(['reins mcp test coder', 'reins mcp test coder --json']))
    .action((agent: string, _options: object, command: Command) => act(test)([agent], command))
}

async function test(run: Invocation, agent: string): Promise<void> {
  const client = await run.client()
  // A server may take minutes to start.
  if (!run.json && run.width !== undefined)
    run.print(run.style.dim(`Connecting to the MCP servers of ${oneLine(agent)} …`))
  const tried = await client.agents.testMcp(agent)
  if (run.json) run.printJson(tried)
  else if (tried.servers.length === 0) run.print(`The agent ${oneLine(agent)} names no MCP servers (mcp_servers).`)
  else for (const server of tried.servers) for (const line of linesOf(run, server)) run.print(line)
  if (tried.servers.some(({ status, optional }) => status !== 'ready' && !optional)) throw new QuietExit(1)
}

/** Columns below which what a tool does stands on a line of its own. */
const wide = 100

function linesOf({ style, width }: Invocation, tried: McpTried): readonly string[] {
  const { server, at, took, tools, notes } = tried
  const about = [tried.about, tried.transport, tried.protocol].filter((one) => one !== undefined && one !== '')
  const head =
    tried.status === 'ready'
      ? `${style.green('✓')} ${style.bold(oneLine(server))} ${oneLine(about.join(', '))} ${style.dim(`${span(took)} · ${oneLine(at)}`)}`
      : `${tried.optional ? style.yellow('–') : style.red('✗')} ${style.bold(oneLine(server))} ${oneLine(tried.reason ?? '')} ${style.dim(span(took))}`
  const toolLines = tools.flatMap(({ name, risk, replay, approval = 'auto', description }) => {
    const again = replay === 'safe' ? ', may run again' : ''
    const asks = approval === 'auto' ? '' : ', asks a person'
    const what = `    ${oneLine(name)} ${style.dim(`(${risk}${again}${asks})`)}`
    // The model reads whose tool it is; here it stands above.
    const does = oneLine(description).replace(`(MCP server ${server}) `, '')
    return width !== undefined && width < wide
      ? [cut(what, width), cut(`      ${does}`, width)]
      : [cut(`${what} ${does}`, width ?? 160)]
  })
  return [head, ...toolLines, ...notes.map((note) => `    ${style.yellow(oneLine(note))}`)]
}
