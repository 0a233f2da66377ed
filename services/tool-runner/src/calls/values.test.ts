import { randomBytes } from 'node:crypto'
import type { ErrorBody, ResolvedSecrets, ResolveSecrets } from '@reins/contracts'
import { handOver, type Resolve } from '@reins/secrets'
import { expect, test } from 'vitest'
import { resolveForCall } from './values.ts'

const kept: Readonly<Record<string, string>> = { TOKEN: 'ghp_value' }
const digest = '0'.repeat(32)

const answer = ({ names, to }: ResolveSecrets): ResolvedSecrets => {
  const values = Object.fromEntries(names.flatMap((name) => (kept[name] === undefined ? [] : [[name, kept[name]]])))
  const sealed = handOver(JSON.stringify(values), to, randomBytes)
  if (!sealed) throw new Error('no key')
  return { values: sealed, missing: names.filter((name) => kept[name] === undefined) }
}
const registry: Resolve = async (request) => ({ ok: true, value: answer(request) })
const refusing =
  (error: ErrorBody): Resolve =>
  async () => ({ ok: false, error })

test('a secret comes sealed, and is opened here; one that there is not is left out', async () => {
  expect(await resolveForCall(registry, ['TOKEN', 'NONE'], digest, 1000)).toEqual({ TOKEN: 'ghp_value' })
})

test('a registry that is away for a moment is asked again', async () => {
  let asked = 0
  const away = refusing({ code: 'unavailable', message: 'The registry service is not running.' })
  const back: Resolve = (request) => (asked++ === 0 ? away(request) : registry(request))
  expect(await resolveForCall(back, ['TOKEN'], digest, 60_000)).toEqual({ TOKEN: 'ghp_value' })
})

test('one that stays away, and a refusal, are failures that say why and what to do', async () => {
  const away = refusing({ code: 'unavailable', message: 'The registry service is not running.' })
  await expect(resolveForCall(away, ['TOKEN'], digest, 0)).rejects.toMatchObject({
    code: 'failed',
    message: 'the secret TOKEN cannot be had: The registry service is not running.',
  })
  const no = refusing({ code: 'forbidden', message: 'The version does not name it.', next: 'Name it.' })
  await expect(resolveForCall(no, ['TOKEN'], digest, 60_000)).rejects.toMatchObject({
    code: 'refused',
    message: 'the secret TOKEN cannot be had: The version does not name it. Name it.',
  })
})
