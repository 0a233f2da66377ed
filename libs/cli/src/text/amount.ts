// Amounts of bytes for people.
const units = ['KB', 'MB', 'GB', 'TB'] as const

/** `312 bytes`, `4.1 KB`, `35 MB`, `1.2 GB`: two digits at least, in powers of 1,000. */
export function amount(bytes: number): string {
  if (bytes < 1000) return bytes === 1 ? '1 byte' : `${bytes} bytes`
  let [value, unit] = [bytes / 1000, 0]
  while (value >= 999.5 && unit < units.length - 1) {
    value /= 1000
    unit += 1
  }
  return `${value < 9.95 ? value.toFixed(1) : value.toFixed(0)} ${units[unit]}`
}
