// What a tool turn leaves on the disk: the bytes in the streams of sessions, and all that the server's folder grew by.
import { readdirSync, statSync } from 'node:fs'
import path from 'node:path'
import { jetstreamManager } from '@nats-io/jetstream'
import { connectBroker, findSessionStreams } from '@reins/broker'
import { type Product, toolAgent } from '../product/product.ts'
import { toolMessage } from './turns.ts'

export interface Disk {
  readonly turns: number
  /** Of the streams of sessions, a turn. */
  readonly framesPerTurn: number
  readonly bytesPerTurn: number
  /** Of the server's whole folder (snapshots included), a turn. */
  readonly folderBytesPerTurn: number
}

const turnsOfSession = 10

export async function measureDisk(product: Product, sessions: number): Promise<Disk> {
  const broker = await connectBroker({ url: product.natsUrl(), name: 'bench disk' })
  try {
    const manager = await jetstreamManager(broker.nc, { checkAPI: false })
    const { names } = await findSessionStreams(broker)
    const size = async (): Promise<{ messages: number; bytes: number; folder: number }> => {
      const states = (await Promise.all(names.map((name) => manager.streams.info(name)))).map(({ state }) => state)
      return {
        messages: states.reduce((sum, { messages }) => sum + messages, 0),
        bytes: states.reduce((sum, { bytes }) => sum + bytes, 0),
        folder: folderBytes(path.join(product.folder, '.reins', 'nats')),
      }
    }
    const before = await size()
    for (let i = 0; i < sessions; i++) {
      const session = await product.api.begin(toolAgent, toolMessage)
      for (let turn = 1; turn < turnsOfSession; turn++) await product.api.turn(session, toolMessage)
    }
    const after = await size()
    const turns = sessions * turnsOfSession
    return {
      turns,
      framesPerTurn: (after.messages - before.messages) / turns,
      bytesPerTurn: Math.round((after.bytes - before.bytes) / turns),
      folderBytesPerTurn: Math.round((after.folder - before.folder) / turns),
    }
  } finally {
    await broker.close()
  }
}

function folderBytes(folder: string): number {
  let bytes = 0
  for (const entry of readdirSync(folder, { recursive: true, encoding: 'utf8' })) {
    const stat = statSync(path.join(folder, entry), { throwIfNoEntry: false })
    if (stat?.isFile()) bytes += stat.size
  }
  return bytes
}
