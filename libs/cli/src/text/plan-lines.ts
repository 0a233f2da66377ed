// A plan as a checklist: one line a step.
import type { PlanStep } from '@reins/contracts'
import { cut } from './cells.ts'
import { oneLine } from './neutralise.ts'
import type { Style } from './style.ts'

/** `most`: lines at most, the first included; steps that are not shown are counted in the last. */
export function planLines(steps: readonly PlanStep[], width: number, style: Style, most = 30): string[] {
  const done = steps.filter(({ status }) => status === 'completed').length
  const failed = steps.filter(({ status }) => status === 'failed').length
  const title = `${style.bold('Plan')} ${style.dim(`${done} of ${steps.length} done${failed === 0 ? '' : `, ${failed} failed`}`)}`
  const room = Math.max(1, most - 1)
  // Where there is no room for all, those around the first that has not ended are what people look for.
  const open = steps.findIndex(({ status }) => status === 'in_progress' || status === 'pending')
  const first =
    steps.length <= room ? 0 : Math.max(0, Math.min(open < 0 ? steps.length : open - 1, steps.length - room + 1))
  const shown = steps.length <= room ? steps : steps.slice(first, first + room - 1)
  const hidden = steps.length - shown.length
  const lines = [title, ...shown.map((step) => stepLine(step, style))]
  if (hidden > 0) lines.push(style.dim(`  … ${hidden} more`))
  return lines.map((line) => cut(line, width))
}

function stepLine({ name, description, status, result, error }: PlanStep, style: Style): string {
  const what = description === '' ? '' : ` ${oneLine(description)}`
  switch (status) {
    case 'completed':
      return `${style.green('✓')} ${oneLine(name)}${style.dim(result === undefined ? what : ` ${oneLine(result)}`)}`
    case 'in_progress':
      return `${style.cyan('▸')} ${style.bold(oneLine(name))}${what}`
    case 'failed':
      return `${style.red('✗')} ${oneLine(name)}${style.red(error === undefined ? what : ` ${oneLine(error)}`)}`
    case 'pending':
      return style.dim(`○ ${oneLine(name)}${what}`)
    default:
      return status satisfies never
  }
}
