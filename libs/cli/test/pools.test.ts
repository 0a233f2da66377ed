// Pools on the command line: listed once, and watched.
import { ReinsError } from '@reins/contracts'
import { expect, test } from 'vitest'
import { clientProgram, runProgram } from '../src/program.ts'
import { fakeContext, fakeServer } from './fakes.ts'

type Pools = Awaited<ReturnType<ReturnType<typeof fakeServer>['client']['pools']>>

const pool = (backlog: number, instances: readonly string[]): Pools[number] => ({
  ...{ key: 'k1', kind: 'executor', labels: { browser: 'true' }, backlog, inProgress: 0 },
  servedBy: instances.map((instance) => ({ instance, slots: 4, busy: 1, leaving: false })),
})

/** Each look takes the next of `looks`; at the last the person stops it. */
function watched(looks: readonly (Pools | ReinsError)[], terminal: boolean) {
  const left = [...looks]
  const { client } = fakeServer()
  const pools = async (): Promise<Pools> => {
    const next = left.shift()
    if (next === undefined || next instanceof ReinsError) throw next ?? new Error('one look too many')
    return next
  }
  const context = fakeContext({ ...client, pools } as typeof client, {
    terminal,
    // Another wait is that of whoever was told to stop and does not.
    sleep: (ms) => {
      if (ms < 2000) return new Promise(() => undefined)
      if (left.length === 0) context.interrupt()
      return Promise.resolve()
    },
  })
  return context
}

const run = (context: ReturnType<typeof watched>, ...flags: readonly string[]) =>
  runProgram(clientProgram(context), ['pool', 'list', '--watch', ...flags], context)

test('pool list --watch draws in place what changes, says when the server is away, and leaves the last list behind', async () => {
  const away = new ReinsError('unavailable', 'Cannot reach it.')
  const context = watched([[pool(3, [])], away, [pool(0, ['exec-1'])]], true)
  expect(await run(context)).toBe(130)
  const { text } = context.stdout
  expect(text).toContain('No process serves executor k1.')
  expect(text.replaceAll(/\s+/g, ' ')).toContain('reins service executor --label browser=true')
  expect(text).toContain('The server does not answer. Waiting for it.')
  expect(text.slice(text.lastIndexOf('KIND'))).toContain('1/4')
})

test('programs get one list a line, each once', async () => {
  const context = watched([[pool(3, [])], [pool(3, [])], [pool(0, ['exec-1'])]], false)
  expect(await run(context, '--json')).toBe(130)
  const lines = context.stdout.text.trim().split('\n')
  expect(lines.map((line) => JSON.parse(line).pools[0].backlog)).toEqual([3, 0])
})

test('another failure ends it', async () => {
  const context = watched([[], new ReinsError('forbidden', 'The token has no permission pools:read.')], false)
  expect(await run(context)).toBe(1)
  expect(context.stderr.text).toContain('pools:read')
})
