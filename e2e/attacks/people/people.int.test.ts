// Attacks by people who may something: on what others decide, on what servers ask, and on roles, principals and tokens.
import { afterAll, beforeAll, test } from 'vitest'
import { type AskingServer, askingServer } from '../../serving/asking-server.ts'
import { AttackedProduct, deadline } from '../attacked-product.ts'
import { tryAnswering, tryDeciding } from './people.ts'
import { tryPrivileges } from './privileges.ts'
import { refusedAll } from '../refused-all.ts'
import { Tally } from '../tally.ts'

let product: AttackedProduct
let server: AskingServer
beforeAll(async () => {
  product = await AttackedProduct.open()
  server = await askingServer()
  const { world } = product
  await world.start('session-gateway')
  await world.agent('careful', { approvals: { tools: { shell: 'always' } } })
  await world.agent('hasty', { approvals: { expires: '1s', tools: { shell: 'always' } } })
  await world.agent('asked', { mcp_servers: [{ name: 'all', url: server.url }] })
  await world.agent('mine')
}, deadline)
afterAll(async () => {
  await product?.close()
  await server?.[Symbol.asyncDispose]()
}, deadline)

test(
  'whoever manages roles, principals and tokens gets no more than they have, and takes nothing from whoever may more',
  async () => {
    const tally = new Tally()
    await tryPrivileges(product.world, tally)
    refusedAll(tally)
  },
  deadline,
)

test(
  'what a person decides counts once, in time, by whoever may it then, and not in a fork',
  async () => {
    const tally = new Tally()
    await tryDeciding(product.world, tally)
    refusedAll(tally)
  },
  deadline,
)

test(
  'a server is told only what fits its question, once, by whoever may answer it',
  async () => {
    const tally = new Tally()
    await tryAnswering(product.world, 'asked', { form: 'call mcp__all__trigger-elicitation-request {}' }, tally)
    refusedAll(tally)
  },
  deadline,
)
