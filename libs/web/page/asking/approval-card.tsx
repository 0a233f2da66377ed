// A call that waits for this person: what it would do, and the ways to decide. Nothing is decided by a key that was meant for a message.
import type { DecideApproval } from '@reins/contracts'
import { objectIn, type PendingApproval } from '@reins/transcript'
import { type FormEvent, useId, useState } from 'react'
import { Elapsing } from '../frame/elapsing.tsx'
import { plainText } from '../text/plain.ts'
import { WhatRuns } from '../thread/what-runs.tsx'

export interface ApprovalProps {
  readonly pending: PendingApproval
  decide(decision: DecideApproval): Promise<boolean>
}

type Step = 'deciding' | 'editing' | 'denying'

/** As narrow as the call allows. undefined: each call is decided by itself. */
const grantScope = ({ must, quorum, target }: PendingApproval): 'target' | 'tool' | undefined =>
  must || quorum > 1 ? undefined : target === undefined ? 'tool' : 'target'

export function ApprovalCard({ pending, decide }: ApprovalProps) {
  const [step, setStep] = useState<Step>('deciding')
  const [sent, setSent] = useState(false)
  const title = useId()
  const { name, of, reason, quorum, votes, target, expiresAt, digest } = pending
  const scope = grantScope(pending)
  const act = async (decision: DecideApproval) => {
    setSent(true)
    if (!(await decide({ ...decision, digest }))) setSent(false)
  }
  return (
    <section className="card asks" aria-labelledby={title}>
      <h2 className="card-title" id={title} tabIndex={-1}>
        {of === undefined ? '' : `${of.path.map(plainText).join(' › ')}: `}
        <strong>{plainText(name)}</strong> waits for your approval
      </h2>
      <p className="faint">
        {plainText(reason)}
        {quorum > 1 ? ` ${votes.length} of ${quorum} people have approved.` : ''}
        {expiresAt === undefined ? null : <Elapsing until={expiresAt} />}
      </p>
      {step === 'editing' ? (
        <EditArguments
          pending={pending}
          busy={sent}
          onBack={() => setStep('deciding')}
          onDone={(args) => void act({ verdict: 'edited', args })}
        />
      ) : (
        <div className="card-body">
          <WhatRuns name={name} input={pending.arguments} />
        </div>
      )}
      {step === 'deciding' ? (
        <div className="choices">
          <button type="button" className="primary" disabled={sent} onClick={() => void act({ verdict: 'approved' })}>
            Approve
          </button>
          {scope === undefined ? null : (
            <button type="button" disabled={sent} onClick={() => void act({ verdict: 'approved', scope })}>
              {scope === 'tool'
                ? `Approve every ${plainText(name)} in this session`
                : 'Always approve this one in this session'}
            </button>
          )}
          <button type="button" disabled={sent} onClick={() => setStep('editing')}>
            Edit
          </button>
          <button type="button" disabled={sent} onClick={() => setStep('denying')}>
            Deny
          </button>
          {scope === 'target' ? <span className="faint">{`“This one”: ${plainText(target ?? '')}`}</span> : null}
        </div>
      ) : null}
      {step === 'denying' ? (
        <Deny
          busy={sent}
          onBack={() => setStep('deciding')}
          onDone={(why) => void act({ verdict: 'denied', ...(why === '' ? {} : { reason: why }) })}
        />
      ) : null}
    </section>
  )
}

interface StepProps<T> {
  readonly busy: boolean
  onBack(): void
  onDone(value: T): void
}

function Deny({ busy, onBack, onDone }: StepProps<string>) {
  const [reason, setReason] = useState('')
  const id = useId()
  const submit = (event: FormEvent) => {
    event.preventDefault()
    onDone(reason.trim())
  }
  return (
    <form className="fill" onSubmit={submit}>
      <label htmlFor={id}>Why not? The model reads it.</label>
      {/* biome-ignore lint/a11y/noAutofocus: the person has just asked for this field */}
      <input id={id} value={reason} onChange={(event) => setReason(event.target.value)} maxLength={2000} autoFocus />
      <div className="choices">
        <button type="submit" className="danger" disabled={busy}>
          Deny the call
        </button>
        <button type="button" disabled={busy} onClick={onBack}>
          Back
        </button>
      </div>
    </form>
  )
}

/** A command alone is edited as what it is, everything else as JSON. */
function EditArguments({
  pending,
  busy,
  onBack,
  onDone,
}: StepProps<Record<string, unknown>> & { readonly pending: PendingApproval }) {
  const args = pending.arguments
  const plain = typeof args.command === 'string' && Object.keys(args).length === 1
  const before = plain ? String(args.command) : JSON.stringify(args, null, 2)
  const [text, setText] = useState(before)
  const [problem, setProblem] = useState<string>()
  const id = useId()
  const submit = (event: FormEvent) => {
    event.preventDefault()
    if (text === before) return setProblem('Nothing is changed yet.')
    const edited = plain ? { command: text } : objectIn(text)
    if (edited === undefined) setProblem('This is no JSON object.')
    else onDone(edited)
  }
  return (
    <form className="fill" onSubmit={submit}>
      <label htmlFor={id}>
        {plain ? 'The command that runs instead' : 'The arguments that the tool gets instead, as JSON'}
      </label>
      <textarea
        id={id}
        className="mono"
        spellCheck={false}
        rows={Math.min(14, Math.max(3, text.split('\n').length + 1))}
        value={text}
        aria-invalid={problem !== undefined}
        aria-describedby={`${id}-problem`}
        // biome-ignore lint/a11y/noAutofocus: the person has just asked for this field
        autoFocus
        onChange={(event) => {
          setText(event.target.value)
          setProblem(undefined)
        }}
      />
      <p className="problem" id={`${id}-problem`}>
        {problem}
      </p>
      <div className="choices">
        <button type="submit" className="primary" disabled={busy}>
          Approve with these
        </button>
        <button type="button" disabled={busy} onClick={onBack}>
          Back
        </button>
      </div>
    </form>
  )
}
