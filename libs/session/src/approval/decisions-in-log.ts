// The decisions of people in the log of a session, each with what its signature is worth. Pure: whoever calls has the keys.
//   DL1. A signature covers session, call, arguments, verdict, reason, scope and approver. So a decision that was made up, changed, or
//        taken from another call or session has a wrong one.
//   DL2. A decision is about the arguments that were asked about last: those of the model, or those of the edit before it.
//   DL3. A decision counts once: the same signature again is a replay, whatever it stands in.
import {
  argumentsDigest,
  type DecisionSignature,
  decisionToSign,
  type EventOf,
  knownEvents,
  maySay,
  signedDecision,
} from '@reins/contracts'
import { writersOf } from '../fork/lineage.ts'
import type { StoredFrame } from '../folding/stored-frame.ts'

/** What a signature is worth to whoever has these keys. */
export type SignatureWorth = 'valid' | 'wrong' | 'unknown-key'
export type CheckSignature = (text: string, signature: DecisionSignature) => SignatureWorth

export interface DecisionInLog {
  /** The number of its frame. */
  readonly n: number
  readonly call: string
  readonly tool: string
  readonly verdict: EventOf<'approval.decided'>['data']['verdict']
  readonly approver: string
  /** `key`: the gateway's, by which the decision says that it was signed; absent: it is not signed. */
  readonly key?: string
  readonly signature: SignatureWorth | 'unsigned'
  /** What is wrong with it; absent: nothing. */
  readonly problem?: string
}

export function decisionsIn(
  session: string,
  stored: readonly StoredFrame[],
  check: CheckSignature,
): readonly DecisionInLog[] {
  const asked = new Map<string, { readonly name: string; digest: string }>()
  const signatures = new Set<string>()
  const found: DecisionInLog[] = []
  const writers = writersOf(
    session,
    stored.map(({ frame }) => frame),
  )
  for (const [at, { frame }] of stored.entries())
    for (const event of knownEvents(frame)) {
      if (!maySay(frame.role, event.type)) continue
      if (event.type === 'approval.requested')
        asked.set(event.data.call, { name: event.data.name, digest: event.data.digest })
      if (event.type !== 'approval.decided') continue
      const { data } = event
      const about = asked.get(data.call)
      const { call, verdict, approver, signature } = data
      const one = { n: frame.n, call, tool: about?.name ?? '', verdict, approver }
      const text = signedDecision(decisionToSign(writers[at] ?? session, about?.name ?? '', data))
      const worth = signature === undefined ? 'unsigned' : check(text, signature)
      const problem = problemOf()
      found.push({
        ...one,
        ...(signature === undefined ? {} : { key: signature.key }),
        ...{ signature: worth },
        ...(problem === undefined ? {} : { problem }),
      })
      if (signature) signatures.add(signature.value)
      if (about && data.arguments) about.digest = argumentsDigest(about.name, data.arguments) // DL2

      function problemOf(): string | undefined {
        if (!about) return 'nobody had asked for it'
        if (about.digest !== data.digest) return 'it is about other arguments than those that were asked about'
        if (frame.by !== approver) return `it was appended by ${frame.by}, and not by ${approver}`
        if (worth === 'wrong')
          return `its signature by the key ${signature?.key} is wrong: it was made up, changed, or taken from elsewhere`
        if (signature && signatures.has(signature.value)) return 'it repeats the signature of an earlier decision'
        return undefined
      }
    }
  return found
}
