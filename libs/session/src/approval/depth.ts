/** No tool has use for arguments that are nested deeper, and what walks them by calling itself would run out of stack. */
export const maxDepth = 100

export function isDeeperThan(value: unknown, levels: number): boolean {
  if (typeof value !== 'object' || value === null) return false
  return levels === 0 || Object.values(value).some((entry) => isDeeperThan(entry, levels - 1))
}
