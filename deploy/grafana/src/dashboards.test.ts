// The dashboards and alerts are in step with their sources, and what they ask for is there. Written anew by: vitest run deploy/grafana -u
import { spawnSync } from 'node:child_process'
import { existsSync, mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import path from 'node:path'
import { parser as logql } from '@grafana/lezer-logql'
import { parser as traceql } from '@grafana/lezer-traceql'
import { parser as promql } from '@prometheus-io/lezer-promql'
import { decodeFrame, knownEvents, parseSessionSubject } from '@reins/contracts'
import { metricCatalogue, type MetricEntry, Metrics } from '@reins/telemetry'
import { type Span, SpanForest } from '@reins/trace'
import { describe, expect, test } from 'vitest'
import { alertRules, alerts } from './alerts.ts'
import { dashboards } from './dashboards/dashboards.ts'
import { dashboardOf, type PanelDefinition } from './panels.ts'

const root = path.join(import.meta.dirname, '..', '..', '..')
const catalogue: Readonly<Record<string, MetricEntry>> = metricCatalogue

const panels = dashboards.flatMap(({ rows }) => rows.flatMap((row) => row.panels))
const queriesOf = (...kinds: readonly PanelDefinition['kind'][]): readonly string[] =>
  panels.filter(({ kind }) => kinds.includes(kind)).flatMap(({ queries }) => queries.map(({ text }) => text))

const promQueries = [
  ...queriesOf('series', 'number', 'table').map((text) => text.replaceAll('$__rate_interval', '5m')),
  ...alerts.map(({ expr }) => expr),
]

interface Grammar {
  parse(text: string): { iterate(spec: { enter(node: { type: { isError: boolean } }): void }): void }
}

function parses(grammar: Grammar, text: string): boolean {
  let whole = true
  grammar.parse(text).iterate({
    enter({ type }) {
      if (type.isError) whole = false
    },
  })
  return whole
}

/** As PromQL names it → as it is counted. */
const metricOf = (name: string): string => (name in catalogue ? name : name.replace(/_(bucket|sum|count)$/, ''))

test.each(dashboards)('the file of the dashboard $title is what its source says', async (dashboard) => {
  const json = `${JSON.stringify(dashboardOf(dashboard), null, 2)}\n`
  await expect(json).toMatchFileSnapshot(`../dashboards/${dashboard.name}.json`)
})

test('no other file lies beside them', () => {
  const files = readdirSync(path.join(root, 'deploy', 'grafana', 'dashboards'))
  expect(files.toSorted()).toEqual(dashboards.map(({ name }) => `${name}.json`).toSorted())
})

test('the rules of Prometheus are what the alerts say', async () => {
  await expect(alertRules()).toMatchFileSnapshot('../../prometheus/alerts.yaml')
})

describe('PromQL', () => {
  test.each(promQueries)('%s', async (text) => {
    expect(parses(promql, text)).toBe(true)
    const own = (await new Metrics({ process: true }).text()).body
    const names = [...text.matchAll(/\b(?:reins|nodejs|process)_[a-z0-9_]+/g)].map(([name]) => metricOf(name))
    if (!text.startsWith('up{')) expect(names).not.toEqual([])
    const labels = new Set(['le', 'instance', 'job'])
    for (const name of names) {
      if (name.startsWith('reins_')) {
        expect(catalogue).toHaveProperty(name)
        for (const label of catalogue[name]?.labels ?? []) labels.add(label)
      } else expect(own).toContain(`# TYPE ${name} `)
    }
    const asked = [...text.matchAll(/by \(([^)]*)\)|([a-z_]+)=~?"/g)].flatMap(([, by, one]) =>
      by === undefined ? [one] : by.split(/,\s*/),
    )
    for (const label of asked) expect([...labels]).toContain(label)
  })
})

const promtool = onPath('promtool')
const why = promtool === undefined ? ' (did not run: there is no promtool here; it comes with Prometheus)' : ''

describe.skipIf(promtool === undefined)(`promtool${why}`, () => {
  const checked = (file: string): string => {
    const { status, stdout, stderr } = spawnSync(promtool ?? '', ['check', 'rules', file], { encoding: 'utf8' })
    return status === 0 ? stdout : `${stdout}${stderr}`
  }

  test('takes the alerts', () => {
    expect(checked(path.join(root, 'deploy', 'prometheus', 'alerts.yaml'))).toContain(`${alerts.length} rules found`)
  })

  test('takes every query of the dashboards, and no other text', () => {
    const folder = mkdtempSync(path.join(tmpdir(), 'reins-promtool-'))
    const rules = (...queries: readonly string[]): string => {
      const file = path.join(folder, 'rules.yaml')
      // JSON is YAML.
      const named = queries.map((expr, at) => ({ record: `asked:${at}`, expr }))
      writeFileSync(file, JSON.stringify({ groups: [{ name: 'dashboards', rules: named }] }))
      return checked(file)
    }
    try {
      expect(rules(...promQueries)).toContain(`${promQueries.length} rules found`)
      expect(rules('sum by (pool')).toContain('could not parse expression')
    } finally {
      rmSync(folder, { recursive: true, force: true })
    }
  })
})

function onPath(program: string): string | undefined {
  const folders = (process.env.PATH ?? '').split(path.delimiter)
  return folders.map((folder) => path.join(folder, program)).find((file) => existsSync(file))
}

/** Spans of recorded sessions, and so of every kind that there is. */
function recorded(): readonly Span[] {
  const folder = path.join(root, 'libs', 'session', 'golden')
  const forest = new SpanForest()
  return readdirSync(folder).flatMap((file) => {
    const { frames } = JSON.parse(readFileSync(path.join(folder, file), 'utf8'))
    return frames.flatMap(
      ({
        seq,
        subject,
        headers,
        body,
      }: {
        seq: number
        subject: string
        headers: Record<string, string>
        body: string
      }) => {
        const { session = '', role = 'g' } = parseSessionSubject(subject) ?? {}
        const frame = decodeFrame({ seq, role, body, header: (name) => headers[name] ?? '' })
        return forest.take({ ...frame, session, events: knownEvents(frame) })
      },
    )
  })
}

describe('TraceQL', () => {
  const spans = recorded()
  test.each(queriesOf('traces'))('%s', (text) => {
    expect(parses(traceql, text)).toBe(true)
    for (const [, attribute = ''] of text.matchAll(/span\.([a-z_.]+)/g))
      expect(
        spans.some(({ attributes }) => attribute in attributes),
        attribute,
      ).toBe(true)
    for (const [, operation = ''] of text.matchAll(/gen_ai\.operation\.name = "([a-z_]+)"/g))
      expect(spans.map(({ attributes }) => attributes['gen_ai.operation.name'])).toContain(operation)
  })
})

describe('LogQL', () => {
  test.each(queriesOf('logs'))('%s', (text) => expect(parses(logql, text)).toBe(true))
})

describe('alerts', () => {
  test('each has a runbook, and each runbook is of an alert', () => {
    const files = readdirSync(path.join(root, 'docs', 'runbooks')).filter((file) => file !== 'README.md')
    expect(files.toSorted()).toEqual(alerts.map(({ runbook }) => `${runbook}.md`).toSorted())
  })

  test.each(alerts)(
    'the runbook of $alert says what it means, what people see and what to do',
    ({ alert, runbook }) => {
      const text = readFileSync(path.join(root, 'docs', 'runbooks', `${runbook}.md`), 'utf8')
      expect(text).toContain(`\`${alert}\``)
      for (const heading of ['## What it means', '## What people see', '## What to do']) expect(text).toContain(heading)
    },
  )
})
