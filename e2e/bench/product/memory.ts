// What the product's processes hold, after a collection of each: what is left is held by somebody.
import { type Inspector, inspect } from './inspector.ts'
import { cpuMs, descendants, residentMb } from './processes.ts'
import type { Product } from './product.ts'

export interface Memory {
  /** MB of all processes of Reins. */
  readonly resident: number
  readonly heap: number
  /** MB of nats-server, as it is. */
  readonly nats: number
}

export interface MemoryProbe {
  read(): Promise<Memory>
  /** Idempotent. */
  close(): void
}

/** Of a product that was started with `inspect`. The caller closes it. */
export async function memoryProbe(product: Product): Promise<MemoryProbe> {
  const inspectors: Inspector[] = []
  for (const service of product.services()) {
    const url = service.inspector()
    if (url === undefined) throw new Error(`${service.name} did not say where its inspector listens`)
    inspectors.push(await inspect(url))
  }
  return {
    async read() {
      let heap = 0
      for (const inspector of inspectors) {
        await inspector.held() // What the first collection lets go, the second one takes.
        heap += (await inspector.held()).heap
      }
      const resident = product.services().reduce((sum, { pid }) => sum + residentMb(pid), 0)
      return { resident, heap, nats: natsPids(product).reduce((sum, pid) => sum + residentMb(pid), 0) }
    },
    close: () => {
      for (const inspector of inspectors.splice(0)) inspector.close()
    },
  }
}

/** ms of the processor: of all processes of Reins, and of nats-server. */
export interface CpuOf {
  readonly reins: number
  readonly nats: number
}

/** So far. */
export const cpuOf = (product: Product): CpuOf => ({
  reins: product.services().reduce((sum, { pid }) => sum + cpuMs(pid), 0),
  nats: natsPids(product).reduce((sum, pid) => sum + cpuMs(pid), 0),
})

/** MB, as the machine counts them, of each process, also those below Reins. */
export function residentNow(product: Product): {
  readonly reins: number
  readonly nats: number
  readonly postgres: number
} {
  const sum = (pids: readonly number[]): number => pids.reduce((all, pid) => all + residentMb(pid), 0)
  return {
    reins: sum(product.services().map(({ pid }) => pid)),
    nats: sum(natsPids(product)),
    // Each of its processes counts the memory that it shares with the others.
    postgres: sum(
      product
        .services()
        .flatMap(({ pid }) => descendants(pid).flatMap((one) => (one.command === 'postgres' ? [one.pid] : []))),
    ),
  }
}

const natsPids = (product: Product): readonly number[] =>
  product.pids().flatMap(({ name, pid }) => (name === 'nats-server' ? [pid] : []))
