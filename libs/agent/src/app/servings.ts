// What stands around one request to the app of a project, found under a registered symbol as the door is (door.ts).
import { AsyncLocalStorage } from 'node:async_hooks'
import type { ProjectModules } from '../project/define-project.ts'
import type { HostDoor } from './door.ts'

export interface Serving {
  readonly modules: ProjectModules
  readonly door: HostDoor
}

const servingKey: unique symbol = Symbol.for('reins.serving')

const shared: { [servingKey]?: AsyncLocalStorage<Serving> } = globalThis as object

export function servings(): AsyncLocalStorage<Serving> {
  shared[servingKey] ??= new AsyncLocalStorage()
  return shared[servingKey]
}
