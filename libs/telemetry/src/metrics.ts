// Metrics in Prometheus' text form; one registry a process, handed to whoever counts. Which ones there are stands in catalogue.ts.
import { Counter, collectDefaultMetrics, Gauge, Histogram, Registry } from 'prom-client'
import { type LabelOf, metricCatalogue, type MetricEntry, type MetricName, type NameOf } from './catalogue.ts'

const seconds = [0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10, 30, 60, 120, 300]

export class Metrics {
  readonly #registry = new Registry()

  constructor(options: { readonly process?: boolean } = {}) {
    if (options.process) collectDefaultMetrics({ register: this.#registry })
  }

  counter<N extends NameOf<'counter'>>(name: N): Counter<LabelOf<N>> {
    return (
      (this.#registry.getSingleMetric(name) as Counter<LabelOf<N>> | undefined) ?? new Counter(this.#settings(name))
    )
  }

  gauge<N extends NameOf<'gauge'>>(name: N): Gauge<LabelOf<N>> {
    return (this.#registry.getSingleMetric(name) as Gauge<LabelOf<N>> | undefined) ?? new Gauge(this.#settings(name))
  }

  /** In seconds. */
  histogram<N extends NameOf<'histogram'>>(name: N): Histogram<LabelOf<N>> {
    return (
      (this.#registry.getSingleMetric(name) as Histogram<LabelOf<N>> | undefined) ??
      new Histogram({ ...this.#settings(name), buckets: seconds })
    )
  }

  async text(): Promise<{ readonly contentType: string; readonly body: string }> {
    return { contentType: this.#registry.contentType, body: await this.#registry.metrics() }
  }

  #settings<N extends MetricName>(name: N) {
    const { help, labels }: MetricEntry = metricCatalogue[name]
    return { name, help, labelNames: [...labels] as LabelOf<N>[], registers: [this.#registry] }
  }
}

/** MT1. The first `most` values that come; every other one is called `other`. */
export function bounded(most: number): (value: string) => string {
  const known = new Set<string>()
  return (value) => {
    if (known.has(value)) return value
    if (known.size >= most) return 'other'
    known.add(value)
    return value
  }
}
