// Another version of its agent for a session: what is asked for, and what it comes to.
import { type Static, Type } from 'typebox'
import { ControlAccepted } from './api.ts'

const closed = { additionalProperties: false } as const

/** Body of POST /v1/sessions/:id/upgrade. */
export const UpgradeSession = Type.Object(
  {
    dry_run: Type.Optional(Type.Boolean({ description: 'Only say what would change, and what would break' })),
    force: Type.Optional(Type.Boolean({ description: 'Upgrade also where something breaks' })),
  },
  closed,
)
export type UpgradeSession = Static<typeof UpgradeSession>

const Version = Type.Object(
  {
    digest: Type.String({ description: 'Of the definition' }),
    build: Type.Optional(Type.Integer({ description: 'Of an agent of a project: the version of the project' })),
  },
  closed,
)

export const UpgradeChange = Type.Object(
  {
    what: Type.String({ description: 'A field of the definition, or a tool: model, tools.read_file' }),
    change: Type.Union([Type.Literal('added'), Type.Literal('removed'), Type.Literal('changed')]),
    from: Type.Optional(Type.String()),
    to: Type.Optional(Type.String()),
  },
  closed,
)
export type UpgradeChange = Static<typeof UpgradeChange>

export const SessionUpgraded = Type.Object(
  {
    ...ControlAccepted.properties,
    upgraded: Type.Boolean({ description: 'false: a dry run, or the session has this version already' }),
    from: Version,
    to: Version,
    changes: Type.Array(UpgradeChange),
    breaks: Type.Array(Type.String(), {
      description: 'What the session would have no more; it is upgraded with force',
    }),
    obstacles: Type.Array(Type.String(), { description: 'Why it cannot be upgraded' }),
  },
  closed,
)
export type SessionUpgraded = Static<typeof SessionUpgraded>
