import type { UsageReport } from '@reins/contracts'
import { describe, expect, test } from 'vitest'
import { budgetLines, budgetText } from '../src/text/budget-lines.ts'
import { usageLines } from '../src/commands/usage.ts'
import { clientProgram, runProgram } from '../src/program.ts'
import { makeStyle } from '../src/text/style.ts'
import { fakeContext, fakeServer, sessionId } from './fakes.ts'

const used = {
  ...{ turns: 1, modelCalls: 2, toolCalls: 3, usd: 0.0125, unpricedTokens: 0, charged: { tokens: 0, usd: 0 } },
  usage: { inputTokens: 12_345, outputTokens: 67, cacheReadTokens: 8, cacheWriteTokens: 0, reasoningTokens: 0 },
}
const report: UsageReport = { by: 'agent', rows: [{ key: 'coder', ...used }], more: 0, total: used }
const wide = { width: undefined, style: makeStyle(false) }

async function run(...argv: readonly string[]) {
  const server = fakeServer()
  const context = fakeContext(server.client)
  const code = await runProgram(clientProgram(context), argv, context)
  return { code, out: context.stdout.text, err: context.stderr.text, server }
}

describe('reins usage', () => {
  test('shows a row for each, and the total', () => {
    expect(usageLines(report, wide)).toEqual([
      'AGENT  TURNS  CALLS  TOOLS      IN  CACHED  OUT    COST',
      'coder      1      2      3  12,345       8   67  $0.013',
      'total      1      2      3  12,345       8   67  $0.013',
    ])
  })

  test('says what of it has no price, and what broke off', () => {
    const total = { ...used, usd: 0, unpricedTokens: 12_412, charged: { tokens: 500, usd: 0.1 } }
    const lines = usageLines({ ...report, rows: [{ key: 'coder', ...total }], total }, wide)
    expect(lines[1]).toMatch(/\?$/)
    expect(lines.slice(3)).toEqual([
      '+ The price of 12,412 tokens is not known: see docs/budgets.md.',
      'Besides, up to 500 tokens ($0.10) were used by attempts that broke off.',
    ])
  })

  test('refuses a time that is none', async () => {
    const { code, err } = await run('usage', '--since', 'soon')
    expect([code, err]).toEqual([2, expect.stringContaining('Give a span before now such as 24h or 7d')])
  })
})

describe('reins session upgrade', () => {
  test('shows what would change and what would break, and does it only when it is told to', async () => {
    const dry = await run('session', 'upgrade', sessionId, '--dry-run')
    expect(dry.out).toBe(
      `from sha256:old (build 3)
to   sha256:new (build 4)
~ model: a/one -> a/two
- tools.grep
! The conversation has calls of grep, which is no tool of it then.
Nothing was changed. Where this is right, upgrade the session with --force.
`,
    )
    expect(dry.server.asked).toContain(`upgrade ${sessionId} {"dry_run":true}`)
    const done = await run('session', 'upgrade', sessionId, '--force')
    expect(done.out).toContain('It counts from its next turn.')
    expect(done.server.asked).toContain(`upgrade ${sessionId} {"force":true}`)
  })
})

describe('reins session fork', () => {
  test('says where the fork begins and what is said there, and how to go on', async () => {
    const again = await run('session', 'fork', sessionId, '--again')
    expect(again.server.asked).toContain(`fork ${sessionId} {"before":"latest","again":true}`)
    expect(again.out).toContain(`${sessionId}-fork\n`)
    expect(again.out).toContain(
      `goes on behind frame 9 of ${sessionId}. It answers the message: reins session open ${sessionId}-fork`,
    )
    const at = await run('session', 'fork', sessionId, '--at', '4', '--title', 'T')
    expect(at.server.asked).toContain(`fork ${sessionId} {"at":4,"title":"T"}`)
    expect(at.out).toContain('It waits for a message')
  })

  test('with --upgrade says nothing before the fork has its version', async () => {
    const { server } = await run('session', 'fork', sessionId, '--before', 'm1', '-m', 'shorter', '--upgrade')
    expect(server.asked.filter((one) => /^(fork|upgrade|send)/.test(one))).toEqual([
      `fork ${sessionId} {"before":"m1"}`,
      `upgrade ${sessionId}-fork {}`,
      `send ${sessionId}-fork shorter`,
    ])
  })

  test.each([
    ['--at', '0'],
    ['--at', '2', '--before', 'm'],
  ])('refuses %s', async (...args) => {
    const { code, server } = await run('session', 'fork', sessionId, ...args)
    expect([code, server.asked.some((one) => one.startsWith('fork'))]).toEqual([2, false])
  })
})

describe('reins session budget', () => {
  const budget = {
    tokens: { limit: 1_000, spent: 900, held: 50 },
    wall_time: { limit: 60_000, spent: 1_000, held: 0 },
    reached: 'tokens' as const,
  }

  test('shows what is spent, set aside and left', () => {
    expect(budgetLines(budget, wide)).toEqual([
      'BUDGET     SPENT  SET ASIDE  LEFT  LIMIT          USED',
      'tokens       900         50    50  1,000  90%, used up',
      'wall_time     1s         0s   59s     1m            2%',
    ])
    expect(budgetText(budget)).toBe('900 of 1,000 tokens, 1s of 1m')
  })

  test('raises limits, and lets the session go on unless it is told not to', async () => {
    const { server } = await run('session', 'budget', sessionId, '--raise', 'tokens=5000', '--no-go-on')
    expect(server.asked).toContain(`raise ${sessionId} {"tokens":5000,"go_on":false}`)
  })

  test('refuses limits that are none', async () => {
    const { code, err } = await run('session', 'budget', sessionId, '--raise', 'tokens=lots')
    expect([code, err]).toEqual([2, expect.stringContaining('tokens=lots is not valid')])
  })
})
