// The registry's stream in memory, for tests: conditional appends, and the last record of each entity.
import { type RegistryKind, registryKindFilter, registrySubject } from '@reins/contracts'
import type { RegistryRecord } from '@reins/journal'
import type { RegistryLog } from '../src/registry-log.ts'

export interface MemoryLog extends RegistryLog {
  /** Everything that was ever written, as text. */
  text(): string
  /** Called before each write; may throw, as a process that dies there. */
  beforeWrite: (kind: RegistryKind, name: string) => void | Promise<void>
}

export function memoryLog(): MemoryLog {
  const records: (RegistryRecord & { readonly subject: string })[] = []
  const lastOf = (subject: string) => records.findLast((record) => record.subject === subject)
  const log: MemoryLog = {
    beforeWrite: () => undefined,
    text: () => JSON.stringify(records),
    last: async (kind, name) => lastOf(registrySubject(kind, name)),
    all: async (kind) =>
      new Map(
        records
          .filter(({ subject }) => subject.startsWith(registryKindFilter(kind).slice(0, -1)))
          .map((record) => [record.subject, record]),
      ),
    end: async () => records.length,
    write: async (kind, name, value, after, end) => {
      await log.beforeWrite(kind, name)
      return log.seal(registrySubject(kind, name), value, after, end)
    },
    seal: async (subject, value, after, end) => {
      if ((lastOf(subject)?.seq ?? 0) !== after) return { kind: 'refused' }
      if (end !== undefined && records.length !== end) return { kind: 'refused' }
      const seq = records.length + 1
      records.push({ subject, seq, id: String(seq), value: JSON.parse(JSON.stringify(value)) })
      return { kind: 'written', seq }
    },
  }
  return log
}
