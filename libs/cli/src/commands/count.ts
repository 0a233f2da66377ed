// An option that says how many.
import { InvalidArgumentError } from 'commander'

export function count(text: string): number {
  const value = Number(text)
  if (!Number.isInteger(value) || value < 1 || value > 500)
    throw new InvalidArgumentError('It must be a whole number from 1 to 500.')
  return value
}
