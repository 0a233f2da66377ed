// Amounts and times in words.

export const plural = (n: number, one: string, many = `${one}s`): string => `${n} ${n === 1 ? one : many}`

export function span(ms: number): string {
  if (ms < 950) return `${Math.max(0, Math.round(ms / 100) / 10)} s`
  const seconds = ms / 1000
  if (seconds < 60) return `${seconds < 10 ? Math.round(seconds * 10) / 10 : Math.round(seconds)} s`
  const minutes = Math.floor(seconds / 60)
  if (minutes < 60) return both(`${minutes} min`, Math.floor(seconds % 60), 's')
  return both(`${Math.floor(minutes / 60)} h`, minutes % 60, 'min')
}

const both = (first: string, n: number, unit: string): string => (n === 0 ? first : `${first} ${n} ${unit}`)

export function amount(n: number): string {
  if (n < 1000) return String(n)
  if (n < 100_000) return `${(n / 1000).toFixed(1).replace(/\.0$/, '')}k`
  return n < 1_000_000 ? `${Math.round(n / 1000)}k` : `${(n / 1_000_000).toFixed(1).replace(/\.0$/, '')}M`
}

export const dollars = (usd: number): string =>
  usd === 0 ? '$0' : usd < 0.01 ? `$${usd.toPrecision(1)}` : `$${usd.toFixed(2)}`

export function ago(at: number, now: number): string {
  const minutes = Math.floor((now - at) / 60_000)
  if (minutes < 1) return 'now'
  if (minutes < 60) return `${minutes} min`
  if (minutes < 24 * 60) return `${Math.floor(minutes / 60)} h`
  return new Date(at).toLocaleDateString(undefined, { day: 'numeric', month: 'short' })
}

export function size(bytes: number): string {
  if (bytes < 1000) return `${bytes} bytes`
  return bytes < 1_000_000
    ? `${Math.round(bytes / 1000)} kB`
    : `${(bytes / 1_000_000).toFixed(1).replace(/\.0$/, '')} MB`
}
