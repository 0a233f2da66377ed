// What foreign JSON may hold of what is kept: values that everybody behind this can walk, and that are the same once they are written.
//   PV1. JSON is read at any depth, and most of what walks a value afterwards is recursive: a value has a largest depth.
//   PV2. A number beyond the largest one is read as infinite, which JSON cannot say again.
const deepest = 100

export function isPlain(value: unknown, left = deepest): boolean {
  if (typeof value === 'number') return Number.isFinite(value)
  if (typeof value !== 'object' || value === null) return true
  if (left === 0) return false
  for (const entry of Array.isArray(value) ? value : Object.values(value)) if (!isPlain(entry, left - 1)) return false
  return true
}
