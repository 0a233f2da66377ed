// Helm holds the values that it is given against values.schema.json, and renders nothing of those that do not fit. What fits and what does
// not is tried by the same rules here, since Helm may not be on the PATH.
import { execFileSync } from 'node:child_process'
import { readFileSync } from 'node:fs'
import path from 'node:path'
import { Ajv } from 'ajv'
import { describe, expect, test } from 'vitest'
import { parse } from 'yaml'
import { chart } from './render.ts'

const schema = JSON.parse(readFileSync(path.join(chart, 'values.schema.json'), 'utf8'))
const defaults = parse(readFileSync(path.join(chart, 'values.yaml'), 'utf8'))
const scaled = parse(readFileSync(path.join(chart, '..', 'rendered', 'scaled.values.yaml'), 'utf8'))
const fits = new Ajv({ allErrors: true, allowUnionTypes: true }).compile(schema)

const isObject = (value: unknown): value is Record<string, unknown> =>
  typeof value === 'object' && value !== null && !Array.isArray(value)

/** As Helm lays values over those of the chart. */
const over = (below: unknown, above: unknown): unknown =>
  isObject(below) && isObject(above)
    ? Object.fromEntries(
        [...new Set([...Object.keys(below), ...Object.keys(above)])].map((key) => [
          key,
          key in above ? over(below[key], above[key]) : below[key],
        ]),
      )
    : above

test('the values of the chart fit, and each of them is known', () => {
  expect(fits(defaults), JSON.stringify(fits.errors)).toBe(true)
  expect(
    Object.keys(schema.properties)
      .filter((name) => name !== 'global')
      .sort(),
  ).toEqual(Object.keys(defaults).sort())
})

test('the values of a fleet that KEDA scales fit', () => {
  const values = over(defaults, scaled)
  expect(fits(values), JSON.stringify(fits.errors)).toBe(true)
})

const wrong: readonly (readonly [string, string, object])[] = [
  ['a name that is no setting', '', { gatway: {} }],
  ['a setting that is a number', '/settings/REINS_REPLICAS', { settings: { REINS_REPLICAS: 3 } }],
  ['a variable in lower case', '/settings', { settings: { replicas: '3' } }],
  ['fewer processes than none', '/registry/replicas', { registry: { replicas: -1 } }],
  ['a label that is no text', '/executors/gpu/labels/gpu', { executors: { gpu: { labels: { gpu: true } } } }],
  ['a pool whose name no Deployment can have', '/executors', { executors: { My_Pool: { labels: {} } } }],
  ['a scale without an end', '/toolRunners/x/scale', { toolRunners: { x: { labels: {}, scale: { min: 1 } } } }],
  ['keys of models for tool-runners', '/toolRunners/x', { toolRunners: { x: { labels: {}, modelKeys: 'keys' } } }],
  ['a time that is none', '/archive/after', { archive: { after: 'soon' } }],
  ['a digest that is none', '/image/digest', { image: { digest: 'latest' } }],
  ['a pull policy that there is not', '/image/pullPolicy', { image: { pullPolicy: 'Sometimes' } }],
  ['less time than services take to end', '/gracePeriodSeconds', { gracePeriodSeconds: 5 }],
  ['a Prometheus that is no URL', '/keda/prometheus', { keda: { prometheus: 'prometheus' } }],
  ['a port that there is not', '/network/broker/port', { network: { broker: { port: 70_000 } } }],
  ['a sandbox that is a word', '/sandbox/enabled', { sandbox: { enabled: 'yes' } }],
]

describe('is refused:', () => {
  test.each(wrong)('%s', (_, at, values) => {
    expect(fits(over(defaults, values))).toBe(false)
    expect((fits.errors ?? []).map(({ instancePath }) => instancePath)).toContain(at)
  })
})

function helm(): boolean {
  try {
    return execFileSync('helm', ['version', '--short']).length > 0
  } catch {
    return false
  }
}

test.skipIf(!helm())('helm refuses them too', () => {
  for (const [, , values] of wrong)
    expect(() =>
      execFileSync('helm', ['template', 'reins', chart, '--values', '-'], {
        input: JSON.stringify(values),
        stdio: 'pipe',
      }),
    ).toThrow(/schema/i)
})
