// reins auth …
import type { WhoAmI } from '@reins/client'
import type { IdentityProvider } from '@reins/contracts'
import { ReinsError } from '@reins/contracts'
import type { Command } from 'commander'
import { CommandFailure } from '../../failure.ts'
import type { Act, Invocation } from '../../invocation.ts'
import type { ProviderClient, SignedIn, SignIn, Tokens } from '../../sign-in/ports.ts'
import type { TokenSource } from '../../sign-in/token-source.ts'
import { oneLine } from '../../text/neutralise.ts'
import { examples } from '../examples.ts'

const browserPatienceMs = 5 * 60_000

/** For more commands of it. */
export function authCommands(program: Command, act: Act): Command {
  const auth = program
    .command('auth')
    .description('Sign in at the identity provider of a server, and see who you are and what you may')
  auth
    .command('login')
    .description("Sign in at the server's identity provider; later commands use and refresh what it gives")
    .option('--device', 'show a code to enter on any device, instead of opening a browser here')
    .option('--no-browser', 'print the address of the page instead of opening it')
    .addHelpText(
      'after',
      '\nWhat you sign in with is kept in a file that you alone can read, and is sent to this server alone.\n' +
        examples(['reins auth login', 'reins --server https://reins.example.com auth login --device']),
    )
    .action((options: { device?: boolean; browser?: boolean }, command: Command) => act(login)([options], command))
  auth
    .command('status')
    .description('Show which token reins uses, whose it is, what it may do, and when it expires')
    .addHelpText('after', examples(['reins auth status', 'reins auth status --json']))
    .action((_options: object, command: Command) => act(status)([], command))
  auth
    .command('logout')
    .description('Forget the sign-in at a server, and tell the identity provider so')
    .addHelpText('after', examples(['reins auth logout']))
    .action((_options: object, command: Command) => act(logout)([], command))
  return auth
}

async function login(run: Invocation, options: { device?: boolean; browser?: boolean }): Promise<void> {
  const provider = await providerOf(run)
  const signIn = ableToSignIn(run)
  const client = await signIn.provider(provider)
  const tokens = options.device
    ? await byDevice(run, client)
    : await byBrowser(run, signIn, client, options.browser !== false)
  const now = run.context.now()
  const signedIn: SignedIn = { server: run.server, provider, issuedAt: now, ...tokens }
  const me = await callerOf(run, tokens.accessToken)
  await signIn.credentials.write(signedIn)
  if (run.json) return run.printJson({ server: run.server, issuer: provider.issuer, ...me })
  run.print(`Signed in at ${run.server} as ${oneLine(me.name ?? me.principal)}.`)
  if (me.roles.length === 0 && me.permissions.length === 0)
    run.hint(run.style.yellow('You have no role there yet: ask an operator. reins auth status shows who you are.'))
}

async function byDevice(run: Invocation, client: ProviderClient): Promise<Tokens> {
  const code = await client.device(run.signal)
  const say = (text: string) => run.context.stderr.write(`${text}\n`)
  say(`Open ${oneLine(code.page)} on any device, and enter the code ${oneLine(code.userCode)}`)
  if (code.pageWithCode !== undefined) say(`Or open ${oneLine(code.pageWithCode)}`)
  return code.tokens(run.signal)
}

/** Whatever comes of it, the page in the browser says so. */
async function byBrowser(run: Invocation, signIn: SignIn, client: ProviderClient, mayOpen: boolean): Promise<Tokens> {
  const listening = await signIn.listen()
  const late = AbortSignal.timeout(browserPatienceMs)
  try {
    const { page, fits, tokens } = await client.browser(listening.address)
    const opened = mayOpen && (await run.context.openPage?.(page)) === true
    run.context.stderr.write(
      opened
        ? `Your browser shows the page to sign in. If it does not, open ${page}\n`
        : `Open this page in a browser of this machine:\n${page}\nOn another machine: reins auth login --device\n`,
    )
    const got = await tokens(await listening.answer(fits, AbortSignal.any([run.signal, late])))
    await listening.say({ ok: true, text: 'You are signed in. You can close this page and go back to the terminal.' })
    return got
  } catch (error) {
    await listening.say({ ok: false, text: 'You are not signed in. The terminal says why.' })
    if (late.aborted && !run.signal.aborted)
      throw new CommandFailure('Nobody has signed in within 5 minutes.', { next: 'Run it again: reins auth login' })
    throw error
  }
}

const noProvider = (server: string): CommandFailure =>
  new CommandFailure(`${server} has no identity provider to sign in at: it knows tokens alone.`, {
    next: 'Give a token with REINS_TOKEN. Its operator sets a provider with REINS_OIDC_ISSUER, as docs/auth.md says.',
  })

async function providerOf(run: Invocation): Promise<IdentityProvider> {
  const { provider } = await run.context.connect({ baseUrl: run.server }).signIn.config()
  if (!provider) throw noProvider(run.server)
  return provider
}

function ableToSignIn({ context }: Invocation): SignIn {
  if (context.signIn) return context.signIn
  throw new CommandFailure('There is no folder to keep a sign-in in.', { next: 'Set HOME or XDG_STATE_HOME.' })
}

const callerOf = (run: Invocation, token: string): Promise<WhoAmI> =>
  run.context.connect({ baseUrl: run.server, token }).access.me()

interface Shown {
  readonly server: string
  readonly source: string
  readonly accepted: boolean
  readonly problem?: string
  readonly caller?: WhoAmI
  readonly expiresAt?: number
  readonly refreshed?: boolean
}

async function status(run: Invocation): Promise<void> {
  const source = await run.tokenSource()
  const shown = await shownOf(run, source)
  if (run.json) run.printJson(forPrograms(shown))
  else for (const line of linesOf(run, shown)) run.print(line)
  if (!shown.accepted)
    throw new CommandFailure(shown.problem ?? `reins has no token for ${run.server}.`, { next: nextOf(source) })
}

async function shownOf(run: Invocation, source: TokenSource): Promise<Shown> {
  const about = { server: run.server, source: sourceText(source, run.server) }
  if (source.kind === 'none') return { ...about, accepted: false }
  const refreshed = source.kind === 'signed-in' && source.signedIn.refreshToken !== undefined
  try {
    const token = source.kind === 'signed-in' ? await source.current() : source.token
    const caller = await callerOf(run, token)
    const { expiresAt } = caller
    return { ...about, accepted: true, caller, refreshed, ...(expiresAt === undefined ? {} : { expiresAt }) }
  } catch (error) {
    if (error instanceof ReinsError && error.code !== 'unauthorized') throw error
    return { ...about, accepted: false, problem: error instanceof Error ? error.message : String(error) }
  }
}

function sourceText(source: TokenSource, server: string): string {
  switch (source.kind) {
    case 'given':
      return source.by === '--token' ? 'the option --token' : `the environment (${source.by})`
    case 'signed-in':
      return `your sign-in at ${oneLine(source.signedIn.provider.issuer)} (reins auth login)`
    case 'admin':
      return "the admin token of this machine's data folder"
    case 'none':
      return `none for ${server}`
    default:
      return source satisfies never
  }
}

const forPrograms = ({ caller, expiresAt, ...shown }: Shown) => ({
  ...shown,
  principal: caller?.principal ?? null,
  name: caller?.name ?? null,
  roles: caller?.roles ?? [],
  permissions: caller?.permissions ?? [],
  expiresAt: expiresAt === undefined ? null : new Date(expiresAt).toISOString(),
})

function linesOf(run: Invocation, { server, source, caller, expiresAt, refreshed }: Shown): readonly string[] {
  const row = (name: string, value: string) => `${run.style.bold(`${name}:`.padEnd(13))}${value}`
  const lines = [row('server', server), row('token', source)]
  if (!caller) return lines
  const who = caller.name === undefined ? caller.principal : `${caller.name} (${caller.principal})`
  lines.push(row('principal', oneLine(who)))
  if (caller.roles.length > 0) lines.push(row('roles', oneLine(caller.roles.join(', '))))
  lines.push(row('permissions', oneLine(caller.permissions.join(', ') || 'none')))
  const when = expiresAt === undefined ? 'never' : new Date(expiresAt).toISOString()
  lines.push(row('expires', refreshed ? `${when}, and is refreshed before` : when))
  return lines
}

const nextOf = (source: TokenSource): string =>
  source.kind === 'given'
    ? `Give another token, or leave ${source.by} out and sign in: reins auth login`
    : 'Sign in with reins auth login, or give a token with --token or REINS_TOKEN.'

async function logout(run: Invocation): Promise<void> {
  const { credentials, provider } = ableToSignIn(run)
  const signedIn = await credentials.read(run.server)
  if (!signedIn) {
    if (run.json) return run.printJson({ server: run.server, signedOut: false })
    return run.print(`You are not signed in at ${run.server}.`)
  }
  const token = signedIn.refreshToken ?? signedIn.accessToken
  const told = await provider(signedIn.provider)
    .then((client) => client.revoke(token))
    .catch(() => false)
  await credentials.remove(run.server)
  if (run.json) return run.printJson({ server: run.server, signedOut: true, told })
  run.print(`Signed out at ${run.server}.`)
  if (!told)
    run.print(`${oneLine(signedIn.provider.issuer)} was not told: what it gave out there stays good until it expires.`)
  const left = await run.tokenSource()
  run.hint(
    left.kind === 'none'
      ? 'Commands have no token for it any more. Sign in again with: reins auth login'
      : `Commands use ${sourceText(left, run.server)} now. See: reins auth status`,
  )
}
