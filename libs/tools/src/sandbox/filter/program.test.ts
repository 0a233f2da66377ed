import { describe, expect, it } from 'vitest'
import { type Call, verdictOf } from './interpreter.ts'
import { filterProgram, verdicts } from './program.ts'
import { type Architecture, newestCall, platforms, rules } from './rules.ts'

const architectures: readonly Architecture[] = ['x64', 'arm64']
const i386 = 0x4000_0003
const arm = 0x4000_0028
const most = 0xffff_ffff_ffff_ffffn

describe.each(architectures)('the filter for %s', (architecture) => {
  const program = filterProgram(architecture)!
  const ask = (number: number, args: readonly bigint[] = [], audit = platforms[architecture].audit): string => {
    const call: Call = { audit, number, arguments: args }
    const verdict = verdictOf(program, call)
    return Object.entries(verdicts).find(([, value]) => value === verdict)?.[0] ?? `verdict ${verdict}`
  }
  const named = (name: string): number => {
    const found = rules.find((rule) => rule.name === name)?.[architecture]
    if (found === undefined) throw new Error(`no ${name} on ${architecture}`)
    return found
  }
  const has = (name: string): boolean => rules.some((rule) => rule.name === name && rule[architecture] !== undefined)

  it('has each call once', () => {
    const numbers = rules.flatMap((rule) => rule[architecture] ?? [])
    expect(new Set(numbers).size).toBe(numbers.length)
    expect(Math.max(...numbers)).toBeLessThanOrEqual(newestCall)
  })

  it('judges every call that there is, and allows all that no rule names, whatever their arguments', () => {
    const ruled = new Map(rules.map((rule) => [rule[architecture], rule]))
    for (let number = 0; number <= newestCall; number++) {
      const rule = ruled.get(number)
      for (const args of [[0n, 0n, 0n, 0n, 0n, 0n], Array<bigint>(6).fill(most)]) {
        if (rule === undefined) expect([number, ask(number, args)]).toEqual([number, 'allow'])
        else if (rule.when.kind === 'always') expect([rule.name, ask(number, args)]).toEqual([rule.name, rule.refuse])
        else expect([rule.name, ['allow', rule.refuse].includes(ask(number, args))]).toEqual([rule.name, true])
      }
    }
  })

  it('has no calls that are newer than it, none of x32, and none of another architecture', () => {
    for (const number of [newestCall + 1, 500, 0x4000_0000, 0x4000_0002, 0x4000_0000 | 520, -1, 0x7fff_ffff])
      expect([number, ask(number)]).toEqual([number, 'ENOSYS'])
    const others = [i386, arm, ...architectures.map((name) => platforms[name].audit)]
    for (const audit of others.filter((one) => one !== platforms[architecture].audit))
      for (let number = 0; number <= newestCall; number++) expect(ask(number, [], audit)).toBe('ENOSYS')
  })

  const modes: readonly (readonly [name: string, argument: number])[] = [
    ['chmod', 1],
    ['fchmod', 1],
    ['fchmodat', 2],
    ['fchmodat2', 2],
    ['creat', 1],
    ['mknod', 1],
    ['mknodat', 2],
  ]
  it.each(modes.filter(([name]) => has(name)))('%s sets no setuid and no setgid bit', (name, argument) => {
    const withMode = (mode: bigint) => ask(named(name), [0n, 0n, 0n].toSpliced(argument, 1, mode))
    for (const mode of [0o644n, 0o755n, 0o777n, 0o1777n, 0o100_644n])
      expect([mode, withMode(mode)]).toEqual([mode, 'allow'])
    for (const mode of [0o4000n, 0o4755n, 0o2755n, 0o6755n, 0o7777n, 0o104_755n, 0xffff_ffff_0000_0800n])
      expect([mode, withMode(mode)]).toEqual([mode, 'EPERM'])
  })

  const opens: readonly (readonly [name: string, flags: number])[] = [
    ['open', 1],
    ['openat', 2],
  ]
  it.each(opens.filter(([name]) => has(name)))(
    '%s makes no file with such a bit, and its mode counts only then',
    (name, at) => {
      const withFlags = (flags: bigint, mode: bigint) => ask(named(name), [...Array<bigint>(at).fill(0n), flags, mode])
      for (const flags of [0o101n, 0o100n, 0o20_200_002n, 0o302n]) {
        expect(withFlags(flags, 0o644n)).toBe('allow')
        for (const mode of [0o4755n, 0o2755n, 0o6000n])
          expect([flags, withFlags(flags, mode)]).toEqual([flags, 'EPERM'])
      }
      for (const flags of [0n, 1n, 0o2_000_000n]) expect([flags, withFlags(flags, most)]).toEqual([flags, 'allow'])
    },
  )

  it('makes sockets of files, of the two internets and of netlink, and no others', () => {
    for (const name of ['socket', 'socketpair']) {
      for (const family of [1n, 2n, 10n, 16n]) expect(ask(named(name), [family])).toBe('allow')
      for (const family of [0n, 3n, 17n, 38n, 40n, 44n, most, 0x1_0000_0028n])
        expect(ask(named(name), [family])).toBe('EPERM')
    }
  })

  it('lets itself be traced and traces nobody who did not ask, and types into no terminal', () => {
    for (const request of [0n, 7n, 17n, 0x4200n]) expect(ask(named('ptrace'), [request])).toBe('allow')
    for (const request of [16n, 0x4206n]) expect(ask(named('ptrace'), [request])).toBe('EPERM')
    expect(ask(named('ioctl'), [0n, 0x5401n])).toBe('allow')
    for (const request of [0x5412n, 0x541cn, 0xffff_ffff_0000_5412n])
      expect(ask(named('ioctl'), [0n, request])).toBe('EPERM')
  })

  it('makes processes and threads, and no namespaces', () => {
    // As fork and pthread_create do.
    for (const flags of [17n, 0x1200_011n, 0x3d_0f00n]) expect(ask(named('clone'), [flags])).toBe('allow')
    for (const bit of [0x2_0000n, 0x200_0000n, 0x400_0000n, 0x800_0000n, 0x1000_0000n, 0x2000_0000n, 0x4000_0000n]) {
      expect([bit, ask(named('clone'), [bit | 17n])]).toEqual([bit, 'EPERM'])
      expect([bit, ask(named('unshare'), [bit])]).toEqual([bit, 'EPERM'])
    }
    expect(ask(named('unshare'), [0x80n])).toBe('EPERM')
    for (const flags of [0x400n, 0x200n]) expect(ask(named('unshare'), [flags])).toBe('allow')
    expect(ask(named('clone3'))).toBe('ENOSYS')
  })
})

it('is not there for other architectures', () => {
  for (const name of ['ia32', 'arm', 'riscv64', '']) expect(filterProgram(name)).toBeUndefined()
})
