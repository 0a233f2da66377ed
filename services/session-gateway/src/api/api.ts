// What every door is given: all that can be asked of the gateway, but for streams (streams/streams.ts).
import type { AuditPage, CanAnswer } from '@reins/contracts'
import type { AuditRequest } from './access/audit.ts'
import type { Denial } from './access/denials.ts'
import type { AccessAdmin } from './access/admin.ts'
import type { WhoAmI } from './access/explain.ts'
import type { Agents } from './agents.ts'
import type { Caller } from './caller.ts'
import type { Memories } from './memories.ts'
import type { PoolBoard } from './operating/pools.ts'
import type { KeptOutputs } from './reads/kept-outputs.ts'
import type { Prompts } from './reads/prompts.ts'
import type { SessionReads } from './reads/session-reads.ts'
import type { SessionTrees } from './reads/session-trees.ts'
import type { Elicitations } from './sessions/elicitations.ts'
import type { Approvals } from './sessions/approvals.ts'
import type { Projects } from './projects.ts'
import type { Runs } from './runs/runs.ts'
import type { Values } from './values.ts'
import type { Webhooks } from './webhooks.ts'
import type { Forks } from './sessions/forks.ts'
import type { Erasures } from './sessions/erasures.ts'
import type { Upgrades } from './sessions/upgrades.ts'
import type { SessionWrites } from './sessions/session-writes.ts'

export interface Api {
  /** `token`: its text, undefined where the request has none. Rejects with unauthorized, too_many_requests or unavailable. */
  authenticate(token: string | undefined, address: string | undefined): Promise<Caller>
  readonly access: {
    readonly admin: AccessAdmin
    whoAmI(caller: Caller): WhoAmI
    /** Throws forbidden, invalid_request, unavailable. `since`: default: a day ago. */
    audit(
      caller: Caller,
      request: Omit<AuditRequest, 'since'> & { readonly since: number | undefined },
    ): Promise<AuditPage>
    /** For the audit. */
    denied(denial: Denial): void
    /** `as`: another principal. Throws forbidden, principal_not_found, invalid_request. */
    can(caller: Caller, action: string, as: string | undefined): CanAnswer
  }
  readonly agents: Agents
  readonly projects: Projects
  readonly runs: Runs
  readonly values: Values
  readonly webhooks: Webhooks
  readonly memories: Memories
  readonly writes: SessionWrites
  readonly upgrades: Upgrades
  readonly erasures: Erasures
  readonly forks: Forks
  readonly reads: SessionReads
  readonly trees: SessionTrees
  readonly approvals: Approvals
  readonly elicitations: Elicitations
  readonly outputs: KeptOutputs
  readonly prompts: Prompts
  readonly pools: PoolBoard
}
