import { expect, test } from 'vitest'
import { Tally } from '../tally.ts'
import { Nested, tryWorkspaces } from './workspaces.ts'

const deadline = 600_000
/** Calls while each race runs. Beyond the quick ones: REINS_ATTACK_TIMES=300 npm run attacks. */
const times = { bubblewrap: 25, namespaces: 8, ...timesAsked() }

function timesAsked(): Partial<Record<'bubblewrap' | 'namespaces', number>> {
  const asked = Number(process.env.REINS_ATTACK_TIMES ?? 0)
  return asked > 0 ? { bubblewrap: asked, namespaces: asked } : {}
}

test.each(['bubblewrap', 'namespaces'] as const)(
  'an agent whose workspace lies in that of another one sees nothing else than its own, in %s',
  async (kind) => {
    const tally = new Tally()
    const at = await Nested.open(kind, tally)
    if (!at) {
      console.log(`attacks on workspaces in ${kind} were not tried: this machine has no such sandbox`)
      return
    }
    try {
      // It does work, and while it is attacked some calls do get their own folder.
      expect(await at.asInner('shell', { command: 'cat mine.txt' })).toContain('mine')
      expect(await at.asOuter('shell', { command: 'ls .reins | wc -l; cat group/inner/mine.txt' })).toContain(
        '0\\nmine',
      )
      await tryWorkspaces(at, times[kind])
      expect(await at.asInner('shell', { command: 'cat mine.txt' })).toContain('mine')
      expect(await at.asInner('read_file', { path: 'mine.txt' })).toContain('mine')
      for (const line of tally.lines()) console.log(line)
      expect(tally.gotThrough()).toEqual([])
    } finally {
      await at.close()
    }
  },
  deadline,
)
