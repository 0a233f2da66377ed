// Attacks by code and servers that are not Reins' own, on the processes that run or ask them: a part of `npm run test:long`.
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import path from 'node:path'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { tryIssuers } from '../../../services/session-gateway/test/hostile-issuers.ts'
import { AttackedProduct, deadline } from '../attacked-product.ts'
import { tryBundles } from './bundles.ts'
import { tryGoneProjects } from './gone-projects.ts'
import { tryDeliveries } from '../people/deliveries.ts'
import { tryHosts } from './hosts.ts'
import { tryProjectSockets } from './project-sockets.ts'
import { tryApps, tryRuns } from './projects.ts'
import { tryServers } from './servers.ts'
import { refusedAll } from '../refused-all.ts'
import { Tally } from '../tally.ts'

let product: AttackedProduct
beforeAll(async () => {
  product = await AttackedProduct.open()
}, deadline)
afterAll(() => product?.close(), deadline)

test(
  'code in a host learns nothing of whoever runs it, takes nothing from it, and ends no call but its own',
  async () => {
    const folder = mkdtempSync(path.join(tmpdir(), 'reins-attack-'))
    const file = path.join(folder, 'admin.token')
    writeFileSync(file, 'sesame', { mode: 0o600 })
    try {
      const tally = new Tally()
      await tryHosts({ file }, tally)
      refusedAll(tally)
    } finally {
      rmSync(folder, { recursive: true, force: true })
    }
  },
  deadline,
)

test(
  'code of a workflow that says what no code can say ends its own run, and nobody waits for it',
  async () => {
    const tally = new Tally()
    await tryRuns(product.world, tally, () => product.services.every((service) => service.alive()))
    refusedAll(tally)
    expect(await product.answers()).toBe('completed')
  },
  2 * deadline,
)

test(
  'code of an app writes its own answer, and nothing of the gateway',
  async () => {
    const tally = new Tally()
    const [gateway] = product.world.gateways
    if (!gateway) throw new Error('no gateway runs')
    await tryApps(product.world, gateway, tally)
    refusedAll(tally)
    expect(await product.answers()).toBe('completed')
  },
  2 * deadline,
)

test(
  'a bundle made by hand reads nothing of the server by its source map, and names nothing that others believe',
  async () => {
    const tally = new Tally()
    const executor = product.services.find(({ name }) => name === 'executor')
    if (!executor) throw new Error('no executor runs')
    await tryBundles(product.world, executor, tally)
    refusedAll(tally)
    expect(await product.answers()).toBe('completed')
  },
  2 * deadline,
)

test(
  'a WebSocket of an app is granted by the app alone, holds what a message holds, and begins nothing of others',
  async () => {
    const tally = new Tally()
    const [gateway] = product.world.gateways
    if (!gateway) throw new Error('no gateway runs')
    await tryProjectSockets(product.world, gateway, tally)
    refusedAll(tally)
    expect(await product.answers()).toBe('completed')
  },
  2 * deadline,
)

test(
  'what somebody has open by a project ends with the project, and with what it offers',
  async () => {
    const tally = new Tally()
    await tryGoneProjects(product.world, product.world.api.url(), tally)
    refusedAll(tally)
    expect(await product.answers()).toBe('completed')
  },
  2 * deadline,
)

test(
  'a server of others costs no memory and no connections by what it asks, and leads nobody to a page that looks like another',
  async () => {
    const tally = new Tally()
    await tryServers(tally)
    refusedAll(tally)
  },
  2 * deadline,
)

test(
  'a run is given what it waits for, once, by whoever may give it',
  async () => {
    const tally = new Tally()
    await tryDeliveries(product.world, tally)
    refusedAll(tally)
    expect(await product.answers()).toBe('completed')
  },
  2 * deadline,
)

test(
  'an identity provider that sends other things than its keys makes nobody known',
  async () => {
    const tally = new Tally()
    await tryIssuers((what, through) => tally.note('an identity provider', what, through ? 'got through' : 'refused'))
    refusedAll(tally)
  },
  deadline,
)
