// The rules as a program of the kernel's packet filter (seccomp(2), linux/filter.h): 8 bytes an instruction, little-endian on both
// architectures. It reads `struct seccomp_data`: the call's number at 0, the architecture at 4, the arguments from 16 on, 8 bytes each.
//   FP1. The architecture is checked first: the number of a call means another call on another one.
//   FP2. Of an argument its lower half is read. All arguments that are judged are ints, modes and flags of 32 bits, of which the
//        kernel itself reads no more.
//   FP3. Each rule ends in a verdict of its own, so that no jump is longer than a rule.
import { type Architecture, type Condition, newestCall, platforms, type Refusal, rules } from './rules.ts'

/** linux/bpf_common.h and linux/seccomp.h. */
export const codes = { load: 0x20, ifEqual: 0x15, ifAbove: 0x25, ifBits: 0x45, verdict: 0x06 } as const
export const verdicts = { allow: 0x7fff_0000, EPERM: 0x0005_0000 | 1, ENOSYS: 0x0005_0000 | 38 } as const

interface Instruction {
  readonly code: number
  /** Instructions to skip where the test holds, and where it does not. */
  readonly then?: number
  readonly otherwise?: number
  readonly value: number
}

const load = (value: number): Instruction => ({ code: codes.load, value })
const verdict = (value: number): Instruction => ({ code: codes.verdict, value })
const loadNumber = load(0)
const loadArgument = (argument: number): Instruction => load(16 + 8 * argument)
const test = (code: number, value: number, then: number, otherwise: number): Instruction => ({
  ...{ code, value, then, otherwise },
})

/** undefined: there is no filter for this architecture. */
export function filterProgram(architecture: string): Buffer | undefined {
  return architecture === 'x64' || architecture === 'arm64' ? assemble(instructionsFor(architecture)) : undefined
}

function instructionsFor(architecture: Architecture): readonly Instruction[] {
  return [
    load(4),
    test(codes.ifEqual, platforms[architecture].audit, 1, 0), // FP1
    verdict(verdicts.ENOSYS),
    loadNumber,
    test(codes.ifAbove, newestCall, 0, 1),
    verdict(verdicts.ENOSYS),
    ...rules.flatMap(({ refuse, when, ...numbers }) => {
      const number = numbers[architecture]
      if (number === undefined) return []
      const judged = judge(when, refuse)
      return [test(codes.ifEqual, number, 0, judged.length), ...judged]
    }),
    verdict(verdicts.allow),
  ]
}

/** FP3. */
function judge(when: Condition, refuse: Refusal): readonly Instruction[] {
  const [refused, allowed] = [verdict(verdicts[refuse]), verdict(verdicts.allow)]
  switch (when.kind) {
    case 'always':
      return [refused]
    case 'bits': {
      const { where } = when
      const applies =
        where === undefined
          ? []
          : [loadArgument(where.argument), test(codes.ifBits, where.mask, 1, 0), verdict(verdicts.allow)]
      return [...applies, loadArgument(when.argument), test(codes.ifBits, when.mask, 1, 0), allowed, refused]
    }
    case 'one of':
      return [loadArgument(when.argument), ...anyOf(when.values), allowed, refused]
    case 'none of':
      return [loadArgument(when.argument), ...anyOf(when.values), refused, allowed]
    default:
      return when satisfies never
  }
}

/** Skips one instruction after itself where A is one of the values. */
const anyOf = (values: readonly number[]): readonly Instruction[] =>
  values.map((value, at) => test(codes.ifEqual, value, values.length - at, 0))

function assemble(instructions: readonly Instruction[]): Buffer {
  const bytes = Buffer.alloc(instructions.length * 8)
  instructions.forEach(({ code, then = 0, otherwise = 0, value }, at) => {
    bytes.writeUInt16LE(code, at * 8)
    bytes.writeUInt8(then, at * 8 + 2)
    bytes.writeUInt8(otherwise, at * 8 + 3)
    bytes.writeUInt32LE(value, at * 8 + 4)
  })
  return bytes
}
