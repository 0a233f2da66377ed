// How code of a project asks Reins for something: through the host that it runs in.
//   D1. The door is found under a registered symbol, so that it is one over two copies of this package.
//   D2. Whoever answers checks what is asked (the gateway, the executor): here nothing is allowed or refused.
//   D3. It has nothing of Node in it: the client takes words of this package along into browsers.
import type { ProjectModules } from '../project/define-project.ts'

/** What a host gives to the code in it. */
export interface HostDoor {
  /** Rejects with the reason where it is refused. */
  request(what: string, value: unknown): Promise<unknown>
}

const doorKey: unique symbol = Symbol.for('reins.host')
const modulesKey: unique symbol = Symbol.for('reins.modules')

interface Shared {
  [doorKey]?: HostDoor
  [modulesKey]?: ProjectModules
}

const shared: Shared = globalThis as object

/** Of the host that this code runs in; undefined: it runs in none. */
export const hostDoor = (): HostDoor | undefined => shared[doorKey]

/** The modules of the project that this process has loaded. */
export const projectModules = (): ProjectModules | undefined => shared[modulesKey]
export const keepModules = (modules: ProjectModules): void => {
  shared[modulesKey] = modules
}
