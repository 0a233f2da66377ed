// What the system holds of each connection that its other end has not taken: Linux tells it in /proc/net/tcp. Node has no way to bound
// a socket's send buffer, and on a fast link the system takes megabytes for a reader that reads nothing.
//   SQ1. It is read at once for all connections, and by nobody's turn of the event loop: the files are read in Node's own threads.
//   SQ2. Where the system does not say, nothing is known, and what the process itself holds is all that counts.
import { readFile } from 'node:fs/promises'
import type { Socket } from 'node:net'

/** The two ends of a connection, as Node's sockets name them. */
export interface Ends {
  readonly localPort: number
  readonly remoteAddress: string
  readonly remotePort: number
}

/** Bytes by `endsKey`. A connection that is not in it holds nothing. */
export type SendQueues = ReadonlyMap<string, number>

/** Rejects never. undefined: the system does not say (SQ2). */
export type LookAtSendQueues = () => Promise<SendQueues | undefined>

export const lookInProc: LookAtSendQueues = async () => {
  const texts = await Promise.all(
    ['/proc/self/net/tcp', '/proc/self/net/tcp6'].map((file) => readFile(file, 'latin1').catch(() => undefined)),
  )
  if (texts[0] === undefined) return undefined
  const queues = new Map<string, number>()
  for (const text of texts) if (text !== undefined) readTable(text, queues)
  return queues
}

/** Of the columns, in characters: a port with its colon, and what nobody has taken when that is nothing. */
const portChars = 5
const nothing = '00000000'

/**
 * `  12: 0100007F:1CFC 0100007F:A1EE 01 00000400:00000000 …`: the local end, the remote end, the state, what was not taken. Behind the
 * number of a line each column has its width. Lines of connections that hold nothing are left out: of thousands most are such.
 */
export function readTable(text: string, into: Map<string, number>): void {
  for (let at = text.indexOf('\n') + 1; at > 0 && at < text.length; at = text.indexOf('\n', at) + 1) {
    const local = text.indexOf(': ', at) + 2
    if (local < 2) return
    const remote = text.indexOf(' ', local) + 1
    const end = remote + (remote - local) - 1
    const queue = end + ' 01 '.length
    if (text.startsWith(nothing, queue)) continue
    const bytes = Number.parseInt(text.slice(queue, queue + nothing.length), 16)
    if (bytes > 0) into.set(`${text.slice(remote - portChars, remote - 1)} ${text.slice(remote, end)}`, bytes)
  }
}

export function endsOf({ localPort, remoteAddress, remotePort }: Socket): Ends | undefined {
  if (localPort === undefined || remoteAddress === undefined || remotePort === undefined) return undefined
  return { localPort, remoteAddress, remotePort }
}

export const endsKey = ({ localPort, remoteAddress, remotePort }: Ends): string =>
  `${hexPort(localPort)} ${hexAddress(remoteAddress)}:${hexPort(remotePort)}`

const hexPort = (port: number): string => port.toString(16).toUpperCase().padStart(4, '0')

/** As the tables write it: words of 32 bits in the machine's own order, which is the little-endian one wherever Node runs on Linux. */
function hexAddress(address: string): string {
  const plain = address.split('%', 1)[0] ?? ''
  if (!plain.includes(':')) return words(plain.split('.').map(Number))
  const dotted = /^(.*:)(\d+)\.(\d+)\.(\d+)\.(\d+)$/.exec(plain)
  const text = dotted
    ? `${dotted[1]}${((Number(dotted[2]) << 8) | Number(dotted[3])).toString(16)}:${((Number(dotted[4]) << 8) | Number(dotted[5])).toString(16)}`
    : plain
  const [head = '', tail] = text.split('::')
  const groups = (part: string): number[] =>
    part === '' ? [] : part.split(':').map((group) => Number.parseInt(group, 16))
  const before = groups(head)
  const after = tail === undefined ? [] : groups(tail)
  const all = [...before, ...Array<number>(Math.max(0, 8 - before.length - after.length)).fill(0), ...after]
  return words(all.flatMap((group) => [group >> 8, group & 255]))
}

function words(bytes: readonly number[]): string {
  let hex = ''
  for (let word = 0; word < bytes.length; word += 4)
    for (let at = word + 3; at >= word; at--) hex += (bytes[at] ?? 0).toString(16).toUpperCase().padStart(2, '0')
  return hex
}
