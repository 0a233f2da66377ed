// The next build of Reins, made of this one: loaded with `node --import` before the product's binary, it changes a few lines of the
// sources as they are read. Nothing in the product knows of it.
//   - A new type of event, turn.marked, which needs a protocol that is newer than all: sessions of the agent `marker` say it at the start of each turn.
//   - A new optional field, `mood` of turn.completed: every session says it, and needs no more than before.
import { registerHooks } from 'node:module'

type Edit = readonly [file: string, from: string, to: string]

const edits: readonly Edit[] = [
  [
    'libs/contracts/src/events/turn.ts',
    "'turn.started':",
    "'turn.marked': Type.Object({ turn: id, mark: Type.String() }),\n'turn.started':",
  ],
  [
    'libs/contracts/src/events/catalogue.ts',
    'export const changes: Partial<Record<EventType, Change>> = {',
    "export const changes: Partial<Record<EventType, Change>> = { 'turn.marked': { needs: 1000 },",
  ],
  [
    'libs/session/src/turn/turn.ts',
    "'turn.started': {",
    "'turn.marked': { evolve: (session) => session },\n'turn.started': {",
  ],
  [
    'libs/session/src/turn/turn.ts',
    'return { events, to: toLog, needsTrigger: true }',
    `const mark = { type: 'turn.marked', data: { turn: \`t\${n}\`, mark: 'x' } }
     return { events: session.born?.agent === 'marker' ? [...events, mark] : events, to: toLog, needsTrigger: true }`,
  ],
  ['libs/session/src/turn/turn.ts', 'usage: turn.usage, reason },', "usage: turn.usage, reason, mood: 'good' },"],
]

registerHooks({
  load(url, context, nextLoad) {
    const loaded = nextLoad(url, context)
    const wanted = edits.filter(([file]) => url.endsWith(`/${file}`))
    if (wanted.length === 0) return loaded
    let source = typeof loaded.source === 'string' ? loaded.source : Buffer.from(loaded.source as Uint8Array).toString()
    for (const [file, from, to] of wanted) {
      // The sources have changed: so must this file.
      if (!source.includes(from)) throw new Error(`the newer build does not find "${from}" in ${file}`)
      source = source.replace(from, () => to)
    }
    return { ...loaded, source }
  },
})
