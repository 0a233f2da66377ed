// What it costs turns that their spans are exported: two products, of which one exports to a receiver in a process of its own, measured one
// right after the other, in rounds that begin with the one and with the other.
import { fileURLToPath } from 'node:url'
import { median } from '../report/numbers.ts'
import { startNode } from '../product/processes.ts'
import { closesWithProducts, type Product, type ProductOptions, urlSaid } from '../product/product.ts'
import { type Load, measureLoad } from './load.ts'
import { warmUp } from './turns.ts'

export interface SpanExportCost {
  readonly clients: number
  /** Turns a second with the export through turns a second without: of each round. */
  readonly ratios: readonly number[]
  /** Medians. */
  readonly turnsPerSecond: { readonly without: number; readonly with: number }
  /** Of all processes of the product and of nats-server, ms a turn: medians. */
  readonly cpuPerTurn: { readonly without: number; readonly with: number }
  /** That the receiver was given meanwhile: a tool turn has four. */
  readonly spansPerSecond: number
}

const receiverMain = fileURLToPath(new URL('../product/span-receiver-main.ts', import.meta.url))
/** No part of the product. */
const others = new Set(['model', 'clock model', 'this client'])

export async function measureSpanExport(
  start: (options: ProductOptions) => Promise<Product>,
  { rounds, seconds }: { readonly rounds: number; readonly seconds: number },
): Promise<readonly SpanExportCost[]> {
  const receiver = await startNode({ name: 'receiver of spans', args: [receiverMain], ready: urlSaid })
  closesWithProducts(() => receiver.stop())
  const opened: Product[] = []
  try {
    const without = await start({})
    opened.push(without)
    const exporting = await start({ settings: { OTEL_EXPORTER_OTLP_ENDPOINT: receiver.said } })
    opened.push(exporting)
    for (const one of opened) await warmUp(one, 100)
    const costs: SpanExportCost[] = []
    for (const clients of [16, 64]) {
      const loads: { without: Load; with: Load; spans: number }[] = []
      for (let round = 0; round < rounds; round++) {
        const measure = (product: Product) => measureLoad(product, 'tool', clients, seconds)
        const first = round % 2 === 0 ? await measure(without) : undefined
        const before = await spansAt(receiver.said)
        const load = await measure(exporting)
        const spans = (await spansAt(receiver.said)) - before
        loads.push({ without: first ?? (await measure(without)), with: load, spans })
      }
      const both = (figure: (load: Load) => number) => ({
        without: median(loads.map((load) => figure(load.without))),
        with: median(loads.map((load) => figure(load.with))),
      })
      costs.push({
        clients,
        ratios: loads.map((load) => load.with.turnsPerSecond / load.without.turnsPerSecond),
        turnsPerSecond: both(({ turnsPerSecond }) => turnsPerSecond),
        cpuPerTurn: both(cpuOf),
        spansPerSecond: median(loads.map(({ spans }) => Math.round(spans / (seconds + Math.min(1, seconds / 3))))),
      })
    }
    return costs
  } finally {
    for (const one of opened) await one.close()
    await receiver.stop()
  }
}

const cpuOf = ({ cpuPerTurn }: Load): number =>
  Object.entries(cpuPerTurn).reduce((sum, [name, ms]) => (others.has(name) ? sum : sum + ms), 0)

async function spansAt(url: string): Promise<number> {
  return ((await (await fetch(`${url}/spans`)).json()) as { readonly spans: number }).spans
}
