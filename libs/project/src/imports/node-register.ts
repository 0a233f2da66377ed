// `node --import …/node-register.ts`: the hooks for tests of a project. Run for its effect.
import { register } from 'node:module'

register('./node-hooks.ts', import.meta.url)
