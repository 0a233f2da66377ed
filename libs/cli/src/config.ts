// What the client commands take from the environment. The only file here that knows its names.
import path from 'node:path'

type Env = Readonly<Record<string, string | undefined>>

export interface CliEnvironment {
  /** REINS_URL */
  readonly url?: string
  /** REINS_PORT: of the product on this machine, where no address is named. */
  readonly port?: string
  /** REINS_TOKEN */
  readonly token?: string
  /** FLUX_AUTH_TOKEN: read where REINS_TOKEN is not set. */
  readonly fluxToken?: string
  /** REINS_DATA_DIR: of the product on this machine, if there is one. */
  readonly dataDir?: string
  /** How this person runs the program, where it is not by its name: `npx reins`. */
  readonly typed?: string
  /** VISUAL or EDITOR: the command of the person's editor. */
  readonly editor?: string
  /** NO_COLOR, set to anything but nothing (https://no-color.org). */
  readonly noColor: boolean
  /** The terminal says that it can do nothing (TERM=dumb). */
  readonly dumb: boolean
  /** Of this person: HOME, or USERPROFILE. */
  readonly home?: string
  /** Where the history of the chat is kept; absent when there is no home folder. */
  readonly stateDir?: string
}

export function loadCliEnvironment(env: Env): CliEnvironment {
  const text = (name: string) => (env[name] === '' ? undefined : env[name])
  const url = text('REINS_URL')
  const port = portOf(text('REINS_PORT'))
  const token = text('REINS_TOKEN')
  const fluxToken = text('FLUX_AUTH_TOKEN')
  const dataDir = text('REINS_DATA_DIR')
  const home = text('HOME') ?? text('USERPROFILE')
  const editor = text('VISUAL') ?? text('EDITOR')
  const state = text('XDG_STATE_HOME') ?? (home === undefined ? undefined : path.join(home, '.local', 'state'))
  return {
    ...(url === undefined ? {} : { url }),
    ...(port === undefined ? {} : { port }),
    ...(token === undefined ? {} : { token }),
    ...(fluxToken === undefined ? {} : { fluxToken }),
    ...(dataDir === undefined ? {} : { dataDir }),
    ...(env.npm_command === 'exec' ? { typed: 'npx reins' } : {}),
    ...(editor === undefined ? {} : { editor }),
    ...(home === undefined ? {} : { home }),
    noColor: text('NO_COLOR') !== undefined,
    dumb: env.TERM === 'dumb',
    ...(state === undefined ? {} : { stateDir: path.join(state, 'reins') }),
  }
}

/** undefined: it names none where a server can be looked for, such as 0, any free one. */
const portOf = (text: string | undefined): string | undefined =>
  text !== undefined && /^[1-9][0-9]{0,4}$/.test(text) && Number(text) < 65_536 ? text : undefined

export const processEnvironment = (): CliEnvironment => loadCliEnvironment(process.env)
