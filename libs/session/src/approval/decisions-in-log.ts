// The decisions of people in the log of a session, each with what its signature is worth. Pure: whoever calls has the keys.
//   DL1. A signature covers session, call, arguments, verdict, reason, scope and approver. So a decision that was made up, changed, or
//        taken from another call or session has a wrong one.
//   DL2. A decision is about the arguments that were asked about last: those of the model, or those of the edit before it.
//   DL3. A decision counts once: the same signature again is a replay, whatever it stands in.
import {
  argumentsDigest,
  type DecisionSignature,
  decisionToSign,
  type EventData,
  type EventOf,
  type Frame,
  knownEvents,
  maySay,
  signedDecision,
} from '@reins/contracts'
import type { StoredFrame } from '../folding/stored-frame.ts'
import { type Lineage, lineageOf, writerAt } from '../fork/lineage.ts'

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
  const lineage = lineageOf(
    session,
    stored.map(({ frame }) => frame),
  )
  const decisions = new DecisionCheck(lineage, check)
  return stored.flatMap((one) => decisions.add(one))
}

/** The same frame by frame. */
export class DecisionCheck {
  readonly #lineage: Lineage
  readonly #check: CheckSignature
  readonly #asked = new Map<string, { readonly name: string; digest: string }>()
  readonly #signatures = new Set<string>()
  #at = 0

  constructor(lineage: Lineage, check: CheckSignature) {
    this.#lineage = lineage
    this.#check = check
  }

  /** Those that stand in it. */
  add({ frame }: Pick<StoredFrame, 'frame'>): readonly DecisionInLog[] {
    const writer = writerAt(this.#lineage, this.#at++)
    return knownEvents(frame).flatMap((event) => {
      if (!maySay(frame.role, event.type)) return []
      if (event.type === 'approval.requested')
        this.#asked.set(event.data.call, { name: event.data.name, digest: event.data.digest })
      return event.type === 'approval.decided' ? [this.#decision(writer, frame, event.data)] : []
    })
  }

  #decision(writer: string, frame: Frame, data: EventData<'approval.decided'>): DecisionInLog {
    const { call, verdict, approver, signature } = data
    const about = this.#asked.get(call)
    const text = signedDecision(decisionToSign(writer, about?.name ?? '', data))
    const worth = signature === undefined ? 'unsigned' : this.#check(text, signature)
    const problem = this.#problemOf(about, frame, data, worth)
    if (signature) this.#signatures.add(signature.value)
    if (about && data.arguments) about.digest = argumentsDigest(about.name, data.arguments) // DL2
    return {
      ...{ n: frame.n, call, tool: about?.name ?? '', verdict, approver },
      ...(signature === undefined ? {} : { key: signature.key }),
      ...{ signature: worth },
      ...(problem === undefined ? {} : { problem }),
    }
  }

  #problemOf(
    about: { readonly digest: string } | undefined,
    { by }: Pick<Frame, 'by'>,
    { digest, approver, signature }: EventData<'approval.decided'>,
    worth: DecisionInLog['signature'],
  ): string | undefined {
    if (!about) return 'nobody had asked for it'
    if (about.digest !== digest) return 'it is about other arguments than those that were asked about'
    if (by !== approver) return `it was appended by ${by}, and not by ${approver}`
    if (worth === 'wrong')
      return `its signature by the key ${signature?.key} is wrong: it was made up, changed, or taken from elsewhere`
    if (signature && this.#signatures.has(signature.value)) return 'it repeats the signature of an earlier decision'
    return undefined
  }
}
