// A plan as a checklist.
import type { PlanStep } from '@reins/contracts'
import { Icon } from '../frame/icons.tsx'
import { plainText } from '../text/plain.ts'

const words = { pending: 'To do', in_progress: 'In work', completed: 'Done', failed: 'Failed' } as const

export function PlanView({ steps }: { readonly steps: readonly PlanStep[] }) {
  return (
    <ol className="plan">
      {steps.map((step) => {
        const more = step.status === 'completed' ? step.result : step.status === 'failed' ? step.error : undefined
        return (
          <li key={step.name} className={step.status}>
            <span className="box" aria-hidden="true">
              {step.status === 'completed' ? <Icon name="check" size={12} /> : null}
              {step.status === 'failed' ? <Icon name="cross" size={12} /> : null}
            </span>
            <span className="unseen">{words[step.status]}: </span>
            <span>
              <strong>{plainText(step.name)}</strong> {plainText(step.description)}
              {more === undefined || more === '' ? null : (
                <span className="faint"> {plainText(more).slice(0, 300)}</span>
              )}
            </span>
          </li>
        )
      })}
    </ol>
  )
}

export function planTitle(steps: readonly PlanStep[]): string {
  const done = steps.filter(({ status }) => status === 'completed').length
  const failed = steps.filter(({ status }) => status === 'failed').length
  return `Plan: ${done} of ${steps.length} done${failed === 0 ? '' : `, ${failed} failed`}`
}
