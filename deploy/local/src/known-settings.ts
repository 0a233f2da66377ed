// Which settings there are: those that the product asks its environment for, so that no list of them has to be kept.
import { closest } from '@reins/contracts'
import type { Env } from '@reins/service'

/** A variable that has no effect, and the setting that was most likely meant. */
export interface Misspelt {
  readonly name: string
  readonly meant: string
}

/** What other programs of an installation read: the command line, and the compose file. */
const settingsOfOthers = [
  ...['REINS_URL', 'REINS_TOKEN', 'REINS_IMAGE', 'REINS_SECRETS', 'REINS_GRAFANA_PORT'],
  ...['REINS_EXECUTOR_LABELS', 'REINS_TOOL_RUNNER_LABELS'],
]
const ours = 'REINS_'

/** The same environment, which remembers what it was asked for. */
export function hearing(env: Env): { readonly heard: Env; readonly asked: ReadonlySet<string> } {
  const asked = new Set<string>()
  const heard = new Proxy(env, {
    get: (of, name) => {
      if (typeof name !== 'string') return undefined
      asked.add(name)
      return of[name]
    },
  })
  return { heard, asked }
}

/** Others have such variables too, as Kubernetes for a service that is called reins: only what is near a setting counts. */
export function misspelt(env: Env, asked: ReadonlySet<string>): readonly Misspelt[] {
  const known = [...asked, ...settingsOfOthers].flatMap((name) =>
    name.startsWith(ours) ? [name.slice(ours.length)] : [],
  )
  return Object.keys(env).flatMap((name) => {
    const rest = name.slice(ours.length)
    if (!name.startsWith(ours) || known.includes(rest)) return []
    const meant = closest(rest, known)
    return meant === undefined ? [] : [{ name, meant: `${ours}${meant}` }]
  })
}

export const misspeltText = ({ name, meant }: Misspelt): string =>
  `${name} is not a setting of Reins, and has no effect. Did you mean ${meant}?`
