import { describe, expect, test } from 'vitest'
import { metricCatalogue, type MetricEntry } from './catalogue.ts'
import { bounded, Metrics } from './metrics.ts'

describe('metrics', () => {
  test('what counts takes its name, its labels and its help from the catalogue', async () => {
    const metrics = new Metrics()
    metrics.counter('reins_tokens_total').inc({ model: 'scripted/assistant', kind: 'input' }, 3)
    metrics.counter('reins_tokens_total').inc({ model: 'scripted/assistant', kind: 'input' }, 4)
    expect((await metrics.text()).body).toContain('reins_tokens_total{model="scripted/assistant",kind="input"} 7')
  })

  test('a label keeps so many values: what comes later is called other', () => {
    const named = bounded(2)
    expect(['a', 'b', 'c', 'a', 'd'].map(named)).toEqual(['a', 'b', 'other', 'a', 'other'])
  })
})

describe.each(Object.entries<MetricEntry>(metricCatalogue))('the metric %s', (name, { kind, labels }) => {
  test('is named for what it is, and no label is an id', () => {
    expect(name).toMatch(/^reins_[a-z_]+$/)
    expect(name.endsWith('_total')).toBe(kind === 'counter')
    if (kind === 'histogram') expect(name).toMatch(/_(seconds|bytes)$/)
    for (const label of labels) expect(label).not.toMatch(/session|call|turn|principal|instance|trace|id$/)
  })
})
