// What the kernel does with a filter, for tests: the few instructions of the packet filter that a filter of ours has.
import { codes } from './program.ts'

export interface Call {
  /** AUDIT_ARCH_*. */
  readonly audit: number
  readonly number: number
  readonly arguments: readonly bigint[]
}

/** The verdict: SECCOMP_RET_* with its data. Throws where the kernel would refuse to load the filter. */
export function verdictOf(program: Buffer, call: Call): number {
  const data = Buffer.alloc(64)
  data.writeUInt32LE(call.number >>> 0, 0)
  data.writeUInt32LE(call.audit, 4)
  for (const [at, value] of call.arguments.entries()) data.writeBigUInt64LE(BigInt.asUintN(64, value), 16 + 8 * at)
  const count = program.length / 8
  if (!Number.isInteger(count) || count === 0 || count > 4096) throw new Error(`a filter of ${count} instructions`)
  let accumulator = 0
  for (let at = 0; at < count; ) {
    const [code, then, otherwise] = [program.readUInt16LE(at * 8), program[at * 8 + 2]!, program[at * 8 + 3]!]
    const value = program.readUInt32LE(at * 8 + 4)
    const jump = (holds: boolean): number => at + 1 + (holds ? then : otherwise)
    switch (code) {
      case codes.load:
        if (value % 4 !== 0 || value > 60) throw new Error(`a load from ${value}`)
        accumulator = data.readUInt32LE(value)
        at++
        break
      case codes.ifEqual:
        at = jump(accumulator === value)
        break
      case codes.ifAbove:
        at = jump(accumulator > value)
        break
      case codes.ifBits:
        at = jump((accumulator & value) !== 0)
        break
      case codes.verdict:
        return value
      default:
        throw new Error(`an instruction ${code}`)
    }
  }
  throw new Error('a jump past the end')
}
