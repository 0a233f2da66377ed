// context.*: what a model is still sent of a long session. The log keeps everything: these events say what stands in its place.
// Positions count the messages of the conversation (what people, the model and tools said) from 0.
import { type Static, Type } from 'typebox'
import { Usage } from '../content.ts'
import { attempt, id } from '../fields.ts'
import { charged, cost, ModelCallError, metered } from '../model-call.ts'

const position = Type.Integer({ minimum: 0 })
const share = Type.Number({ minimum: 0, maximum: 1 })

/** What a definition says of it; what is absent has its default. */
export const ContextSettings = Type.Object({
  /** Tokens, where the model's own window is larger or not known. */
  window: Type.Optional(Type.Integer({ minimum: 1 })),
  compactAt: Type.Optional(share),
  keep: Type.Optional(share),
  /** provider/model */
  summaryModel: Type.Optional(id),
})
export type ContextSettings = Static<typeof ContextSettings>

export const CompactionReason = Type.Union([
  /** The window fills. */
  Type.Literal('threshold'),
  /** The provider refused a request as too long. */
  Type.Literal('overflow'),
  /** A person asked for it. */
  Type.Literal('asked'),
])
export type CompactionReason = Static<typeof CompactionReason>

const compaction = { compaction: id, attempt }
/** All messages before `to`, from `from` on. */
const range = { from: position, to: position }

export const contextEvents = {
  'context.declared': ContextSettings,
  'context.compaction-requested': Type.Object({ request: id }),
  /** Nothing can be left out: what is there is the newest of it. */
  'context.compaction-declined': Type.Object({ request: id, why: Type.String() }),
  /** Results of tools before `to` are sent as their beginnings. */
  'context.pruned': Type.Object({ to: position }),
  /** The intent of one attempt to have the range summarised by a model. */
  'context.compaction-started': Type.Object({
    ...compaction,
    ...range,
    reason: CompactionReason,
    model: id,
    ...metered,
  }),
  /**
   * `dropped`: there is no summary, and `summary` is a note that says why. `pins`: what stays as it was, besides. `keepsMessage`: a
   * message of the open turn is covered, and is sent on word for word; absent: no turn is open, or it was written before this was
   * said, and the newest message that is covered is sent on whenever a turn is open.
   */
  'context.compacted': Type.Object({
    ...compaction,
    ...range,
    how: Type.Union([Type.Literal('summary'), Type.Literal('dropped')]),
    summary: Type.String(),
    pins: Type.Optional(Type.Array(Type.String())),
    keepsMessage: Type.Optional(Type.Boolean()),
    usage: Type.Optional(Usage),
    ...cost,
  }),
  'context.compaction-failed': Type.Object({ ...compaction, error: ModelCallError, ...charged }),
  'context.compaction-throttled': Type.Object({
    ...compaction,
    error: ModelCallError,
    timer: id,
    /** epoch ms */ until: Type.Integer(),
    ...charged,
  }),
  /** The latest compaction is undone: what it replaced is sent again. */
  'context.restored': Type.Object({ compaction: id }),
}
