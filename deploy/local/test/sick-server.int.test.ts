// A nats-server on a small disk of its own, which gets full: sick is told from away, and a new start comes when it helps.
import { execFileSync } from 'node:child_process'
import { mkdirSync, rmSync, writeFileSync } from 'node:fs'
import path from 'node:path'
import { jetstream, jetstreamManager } from '@nats-io/jetstream'
import { connect } from '@nats-io/transport-node'
import { silentLog } from '@reins/telemetry'
import { expect, test } from 'vitest'
import { type RunningNats, startNats } from '../src/nats/nats-process.ts'
import { watchForSickness } from '../src/servers/sick-server.ts'
import { natsServer, Scratch } from './fixture.ts'

const megabyte = 1024 * 1024

/** A disk of 24 MB; undefined where this machine lets nobody mount one. */
function smallDisk(folder: string): Disposable | undefined {
  try {
    mkdirSync(folder)
    execFileSync('mount', ['-t', 'tmpfs', '-o', `size=${24 * megabyte}`, 'none', folder], { stdio: 'ignore' })
    return { [Symbol.dispose]: () => void execFileSync('umount', ['-l', folder], { stdio: 'ignore' }) }
  } catch {
    return undefined
  }
}

test('a server whose disk got full is sick until there is room, and then takes appends again', async (context) => {
  using scratch = new Scratch()
  const folder = scratch.in('disk')
  using disk = smallDisk(folder)
  if (!disk) return context.skip('needs the right to mount a tmpfs, which root has')
  const { path: binary } = await natsServer()
  const start = (port = 0) => startNats({ binary, dataDir: path.join(folder, 'nats'), durability: 'fsync', port })
  let nats: RunningNats = await start()
  let starts = 0
  const ballast = path.join(folder, 'ballast')
  writeFileSync(ballast, Buffer.alloc(8 * megabyte))
  const connection = await connect({
    servers: nats.url,
    user: nats.user,
    pass: nats.password,
    maxReconnectAttempts: -1,
  })
  const append = (bytes: number) => jetstream(connection).publish('s.a', Buffer.alloc(bytes), { timeout: 1000 })
  await (await jetstreamManager(connection)).streams.add({ name: 'S', subjects: ['s.>'] })
  expect(await nats.sickness()).toBeUndefined()

  const watch = watchForSickness({
    folder: path.join(folder, 'nats'),
    current: () => nats,
    restart: async () => {
      starts++
      await nats.close()
      nats = await start(nats.port)
    },
    log: silentLog,
    everyMs: 100,
  })
  try {
    for (let full = false; !full; )
      full = await append(100_000).then(
        () => false,
        () => true,
      )
    await expect.poll(watch.health, { timeout: 60_000 }).toMatch(/the disk of .* is full: make room .*no space left/)
    await expect(append(1)).rejects.toThrow()
    expect(starts).toBe(0)

    rmSync(ballast)
    await expect.poll(watch.health, { timeout: 60_000 }).toBe('ok')
    expect(starts).toBeGreaterThan(0)
    await expect
      .poll(
        () =>
          append(1).then(
            () => 'taken',
            () => 'refused',
          ),
        { timeout: 60_000 },
      )
      .toBe('taken')
  } finally {
    await watch.close()
    await connection.close()
    await nats.close()
  }
})
