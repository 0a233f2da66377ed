// Amounts of a budget, as people write and read them.
import { formOf } from '../form-of.ts'
import { Budget, type BudgetName, budgetNames } from './limits.ts'

/** 1,200 · $0.0123 · 2m 5s. */
export function amountText(name: BudgetName, amount: number): string {
  switch (name) {
    case 'usd':
      return `$${usdText(amount)}`
    case 'wall_time':
      return durationText(amount)
    case 'tokens':
    case 'tool_calls':
      return Math.round(amount).toLocaleString('en-US')
    default:
      return name satisfies never
  }
}

/** Two digits behind the point, or as many more as a small amount needs. */
export function usdText(usd: number): string {
  if (usd === 0 || usd >= 1) return usd.toFixed(2)
  const digits = Math.min(Math.max(2, 1 - Math.floor(Math.log10(usd))), 9)
  return usd.toFixed(digits)
}

function durationText(ms: number): string {
  const seconds = Math.round(ms / 1000)
  if (seconds < 60) return `${seconds}s`
  const minutes = Math.floor(seconds / 60)
  if (minutes < 60) return seconds % 60 === 0 ? `${minutes}m` : `${minutes}m ${seconds % 60}s`
  const hours = Math.floor(minutes / 60)
  return minutes % 60 === 0 ? `${hours}h` : `${hours}h ${minutes % 60}m`
}

const isBudget = formOf(Budget)
const example = 'tokens=200000,usd=5,tool_calls=100,wall_time=2h'

/** `tokens=200000,usd=5`: a budget, or what is wrong with the text. */
export function parseBudget(text: string): Budget | string {
  const fields: Record<string, unknown> = {}
  for (const pair of text.split(',').map((one) => one.trim())) {
    const at = pair.indexOf('=')
    const name = pair.slice(0, Math.max(at, 0))
    const value = pair.slice(at + 1)
    if (!budgetNames.some((known) => known === name))
      return `"${pair.slice(0, 64)}" is no limit of a budget: write ${example}, or some of it.`
    fields[name] = name === 'wall_time' ? value : Number(value.replaceAll('_', ''))
    if (value === '' || !isBudget({ [name]: fields[name] }))
      return `${name}=${value.slice(0, 32)} is not valid: ${valid[name as BudgetName]}`
  }
  return fields as Budget
}

const valid: Readonly<Record<BudgetName, string>> = {
  tokens: 'give a whole number of tokens, such as tokens=200000.',
  usd: 'give US dollars, such as usd=5 or usd=0.25.',
  tool_calls: 'give a whole number of calls, such as tool_calls=100.',
  wall_time: 'give a time, such as wall_time=90s, 30m, 12h or 7d.',
}
