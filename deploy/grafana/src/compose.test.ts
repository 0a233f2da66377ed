// What docker-compose.yml says of the profile `observability` is there, and stays on this machine.
import { existsSync, readFileSync } from 'node:fs'
import path from 'node:path'
import { expect, test } from 'vitest'

const root = path.join(import.meta.dirname, '..', '..', '..')
const read = (file: string): string => readFileSync(path.join(root, file), 'utf8')
const compose = read('docker-compose.yml')

test('each file and folder that a service mounts from the repository is there', () => {
  const mounted = [...compose.matchAll(/(\.\/deploy\/[^:'\s]+):\/[^:'\s]+:ro/g)].map(([, file = '']) => file)
  expect(mounted.length).toBeGreaterThan(5)
  expect(mounted.filter((file) => !existsSync(path.join(root, file)))).toEqual([])
})

test('every port is published to loopback alone', () => {
  const published = [...compose.matchAll(/ports: \['([^']+)'\]/g)].map(([, port = '']) => port)
  expect(published.length).toBeGreaterThan(1)
  expect(published.filter((port) => !port.startsWith('127.0.0.1:'))).toEqual([])
})

test('Prometheus asks every service of Reins, at the port at which it answers', () => {
  const services = ['registry', 'memory', 'memory-traces', 'session-gateway', 'executor', 'tool-runner']
  const prometheus = read('deploy/prometheus/prometheus.yaml')
  expect(prometheus).toContain(`names: [${services.join(', ')}]`)
  expect(prometheus).toContain('port: 9464')
  expect(compose).toContain("REINS_METRICS_PORT: '9464'")
  for (const service of services) expect(compose).toContain(`\n  ${service}:`)
})

test('Grafana finds its data sources by the names that their services have', () => {
  const sources = read('deploy/grafana/provisioning/datasources/reins.yaml')
  for (const [, host = ''] of sources.matchAll(/url: http:\/\/([a-z]+):/g)) expect(compose).toContain(`\n  ${host}:\n`)
  for (const uid of ['prometheus', 'tempo', 'loki']) expect(sources).toContain(`uid: ${uid}`)
})
