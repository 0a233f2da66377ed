import type { Broker } from '@reins/broker'
import { expect, test } from 'vitest'
import { eraseMessage } from './erasing.ts'

/** Of a broker that answers so: as nats-server does, word for word. */
const erased = (error: object | undefined): Promise<void> =>
  eraseMessage(
    {
      request: async () => ({
        kind: 'reply',
        msg: { string: () => JSON.stringify(error ? { error } : { success: true }) },
      }),
    } as unknown as Broker,
    'TIM',
    2,
  )

test('a message that is gone by itself meanwhile is passed over, however the broker says so', async () => {
  await erased(undefined)
  await erased({ code: 400, err_code: 10043, description: 'sequence 2 not found' })
  await erased({ code: 500, err_code: 10057, description: 'no message found' })
})

test('any other refusal says that nothing was overwritten', async () => {
  for (const error of [
    { code: 500, err_code: 10057, description: 'no space left on device' },
    { code: 400, err_code: 10110, description: 'message delete not permitted' },
  ])
    await expect(erased(error)).rejects.toThrow(`the broker overwrote nothing in TIM: ${error.description}`)
})
