// The chart as it is rendered: valid Kubernetes, nobody's root, and in line with what it must agree with: docker-compose.yml, the settings
// of the services, the catalogue of metrics, and how labels of pools are written.
import { execFileSync } from 'node:child_process'
import { readdirSync, readFileSync } from 'node:fs'
import path from 'node:path'
import { canonicalLabels } from '@reins/contracts'
import { metricCatalogue } from '@reins/telemetry'
import { describe, expect, test } from 'vitest'
import { parse, parseAllDocuments } from 'yaml'
import { dayTable } from './day.ts'
import { firstLine, type Rendering, render, renderedFile, renderings } from './render.ts'

interface Pod {
  readonly containers: readonly [Container]
  readonly securityContext: Record<string, unknown>
  readonly automountServiceAccountToken: boolean
  readonly terminationGracePeriodSeconds?: number
  readonly volumes: readonly {
    readonly name: string
    readonly secret?: { readonly items: readonly { key: string; path: string }[] }
  }[]
}
interface Container {
  readonly args?: readonly string[]
  readonly env?: readonly { readonly name: string; readonly value: string }[]
  readonly securityContext: Record<string, unknown>
}
interface Resource {
  readonly apiVersion: string
  readonly kind: string
  readonly metadata: { readonly name: string; readonly labels: Record<string, string> }
  readonly spec: Record<string, unknown> & { readonly template?: { readonly spec: Pod } }
}

const root = path.join(import.meta.dirname, '..', '..', '..')
const read = (file: string): string => readFileSync(path.join(root, file), 'utf8')
const documentsOf = (text: string): Resource[] =>
  parseAllDocuments(text).flatMap((one) => (one.toJS() ? [one.toJS() as Resource] : []))
const rendered = (name: Rendering): readonly Resource[] => documentsOf(readFileSync(renderedFile(name), 'utf8'))
const titleOf = ({ kind, metadata }: Resource): string => `${kind} ${metadata.name}`
const podsOf = (name: Rendering): readonly (readonly [string, string, Pod])[] =>
  rendered(name).flatMap((one) =>
    one.spec.template
      ? [[one.metadata.name, one.metadata.labels['app.kubernetes.io/component'] ?? '', one.spec.template.spec] as const]
      : [],
  )

/** Whether its values turn the archive on. */
const archives = (name: Rendering): boolean => name === 'scaled'

function helm(): string | undefined {
  try {
    return execFileSync('helm', ['version', '--short'], { encoding: 'utf8' })
  } catch {
    return undefined
  }
}
if (helm() === undefined) console.warn('The chart was not rendered anew: there is no helm on the PATH.')

/** A JSON schema of Kubernetes lets fields pass that it does not know: what a validator never looked at is unknown. */
function watched<T extends object>(value: T, at: string, unread: Set<string>): T {
  const parts = new Map<PropertyKey, unknown>()
  for (const key of Object.keys(value)) unread.add(`${at}.${key}`)
  return new Proxy(value, {
    get(target, key, receiver) {
      const one = Reflect.get(target, key, receiver)
      if (!Object.hasOwn(target, key)) return one
      unread.delete(`${at}.${String(key)}`)
      if (typeof one !== 'object' || one === null) return one
      if (!parts.has(key)) parts.set(key, watched(one, `${at}.${String(key)}`, unread))
      return parts.get(key)
    },
  })
}

const packageOf = (apiVersion: string): string =>
  apiVersion.startsWith('keda.sh/') ? '@kubernetes-models/keda' : 'kubernetes-models'

/** Why the resources were not checked; undefined: they are. */
const missing = ((): string | undefined => {
  try {
    import.meta.resolve('kubernetes-models/v1')
    import.meta.resolve('@kubernetes-models/keda/keda.sh/v1alpha1')
    return undefined
  } catch {
    return 'kubernetes-models is not installed: npm ci'
  }
})()
if (missing !== undefined) console.warn(`The resources of the chart were not checked: ${missing}`)

async function problemsOf(one: Resource): Promise<readonly string[]> {
  const { apiVersion, kind } = one
  const models = (await import(`${packageOf(apiVersion)}/${apiVersion}`)) as Record<
    string,
    { prototype: { validate: (this: object) => void } }
  >
  const model = models[kind]
  if (!model) return [`there is no ${kind} in ${apiVersion}`]
  const unread = new Set<string>()
  try {
    model.prototype.validate.call(watched(one, '', unread))
  } catch (error) {
    return [String(error)]
  }
  return [...unread].map((field) => `${field} is no field`)
}

describe.each(renderings)('the chart, rendered with the values "%s",', (name) => {
  test('was rendered after its last change: npm run chart', () => {
    expect(readFileSync(renderedFile(name), 'utf8').split('\n')[0]).toBe(firstLine(name))
  })

  test.skipIf(helm() === undefined)('is what helm makes of it', () => {
    expect(documentsOf(render(name))).toEqual(rendered(name))
  })

  test.skipIf(missing !== undefined)('holds resources of Kubernetes and KEDA without a fault, each once', async () => {
    const all = rendered(name)
    expect(new Set(all.map(titleOf)).size).toBe(all.length)
    const wrong = await Promise.all(all.map(async (one) => [titleOf(one), await problemsOf(one)] as const))
    expect(wrong.filter(([, problems]) => problems.length > 0)).toEqual([])
  })

  test('runs nothing as root, with a file system that can be written, with capabilities or with a token of the cluster', () => {
    const pods = podsOf(name)
    expect(new Set(pods.map(([, service]) => service))).toEqual(
      new Set(['registry', 'memory', 'session-gateway', 'executor', 'tool-runner', 'database']),
    )
    for (const [, service, pod] of pods) {
      expect(pod.securityContext).toMatchObject({ runAsNonRoot: true, runAsUser: 1000 })
      expect(pod.automountServiceAccountToken).toBe(false)
      expect(pod.containers[0].securityContext).toMatchObject({
        ...{ allowPrivilegeEscalation: false, readOnlyRootFilesystem: true, capabilities: { drop: ['ALL'] } },
        seccompProfile: { type: service === 'tool-runner' ? 'Unconfined' : 'RuntimeDefault' },
      })
    }
  })

  test('gives each service the secrets, the networks and the time to end that docker-compose.yml gives it', () => {
    const compose = parse(read('docker-compose.yml'), { merge: true }) as {
      readonly services: Record<
        string,
        {
          secrets?: (string | { source: string; target: string })[]
          networks: string[]
          stop_grace_period: string
        }
      >
      readonly secrets: Record<string, { file: string }>
    }
    const fileOf = (secret: string): string => path.basename(compose.secrets[secret]?.file ?? '')
    const policies = rendered(name).filter(({ kind }) => kind === 'NetworkPolicy')
    for (const [title, service, pod] of podsOf(name)) {
      const of = compose.services[service]
      // Compose mounts the keys of roles beside the other secrets, a pod among them.
      const given = (of?.secrets ?? []).map((one) =>
        typeof one === 'string'
          ? [fileOf(one), one]
          : [fileOf(one.source), one.target.replace(/^\/run\/keys\//, 'keys/')],
      )
      // A pod has the archivist's user only where sessions are archived.
      const wanted = given.filter(([, file]) => archives(name) || file !== 'archive_nats_url')
      const items = pod.volumes.find((one) => one.name === 'secrets')?.secret?.items ?? []
      expect([title, Object.fromEntries(items.map(({ key, path: file }) => [key, file]))]).toEqual([
        title,
        Object.fromEntries(wanted),
      ])
      if (service !== 'database') expect(`${pod.terminationGracePeriodSeconds}s`).toBe(of?.stop_grace_period)
      const policy = policies.find(({ metadata }) => metadata.labels['app.kubernetes.io/component'] === service)
      const egress = (policy?.spec.egress ?? []) as { ports?: { port: number }[]; to?: { ipBlock?: object }[] }[]
      const reached = egress.flatMap(({ ports = [], to }) =>
        to?.[0]?.ipBlock ? ['outside'] : ports.map(({ port }) => ({ 4222: 'broker', 5432: 'database' })[port] ?? ''),
      )
      const networks = (of?.networks ?? []).filter((one) => one !== 'metrics')
      expect([service, reached.filter(Boolean).sort()]).toEqual([service, networks.sort()])
    }
  })

  test('tells every service whether sessions are archived, and memory alone who may do it', () => {
    for (const [title, service, pod] of podsOf(name)) {
      if (service === 'database') continue
      const after = pod.containers[0].env?.find((one) => one.name === 'REINS_ARCHIVE_AFTER')?.value
      expect([title, after]).toEqual([title, archives(name) ? '30d' : undefined])
      const items = pod.volumes.find((one) => one.name === 'secrets')?.secret?.items ?? []
      const has = items.some(({ key }) => key === 'reins-archivist.nats-url')
      expect([title, has]).toEqual([title, archives(name) && service === 'memory'])
    }
  })

  test('sets variables that the services know, and no others', () => {
    const sources = ['deploy', 'libs', 'services'].flatMap((folder) =>
      readdirSync(path.join(root, folder), { recursive: true, encoding: 'utf8' })
        .filter((file) => /(^|\/)[a-z-]*(config|settings)\.ts$/.test(file) && !file.includes('node_modules'))
        .map((file) => read(path.join(folder, file))),
    )
    const known = new Set(sources.join('\n').match(/\b(REINS|OTEL)_[A-Z_]+\b/g))
    const set = podsOf(name).flatMap(([, , pod]) => (pod.containers[0].env ?? []).map((one) => one.name))
    expect(set.length).toBeGreaterThan(10)
    expect(set.filter((one) => !known.has(one))).toEqual([])
  })
})

test.skipIf(missing !== undefined)('a field that is none, or has no valid value, is found', async () => {
  const one = (spec: object): Resource => ({
    ...{ apiVersion: 'policy/v1', kind: 'PodDisruptionBudget', metadata: { name: 'x', labels: {} } },
    spec: { selector: { matchLabels: { a: 'b' } }, ...spec },
  })
  expect(await problemsOf(one({ maxUnavailable: 1 }))).toEqual([])
  expect(await problemsOf(one({ maxUnavailabel: 1 }))).toEqual(['.spec.maxUnavailabel is no field'])
  expect(await problemsOf(one({ unhealthyPodEvictionPolicy: 'Never' }))).toEqual([
    expect.stringContaining('must be equal'),
  ])
})

test('KEDA asks for metrics that there are, of the pools whose labels the processes have', () => {
  const all = rendered('scaled')
  const scaled = all.filter(({ kind }) => kind === 'ScaledObject')
  const values = parse(read('deploy/helm/rendered/scaled.values.yaml')) as Record<
    'executors' | 'toolRunners',
    Record<string, { labels: Record<string, string> }>
  >
  const pools = [
    ...Object.entries(values.executors).map(([pool, { labels }]) => ['executor', pool, labels] as const),
    ...Object.entries(values.toolRunners).map(([pool, { labels }]) => ['tool-runner', pool, labels] as const),
  ]
  expect(scaled).toHaveLength(pools.length)
  for (const [kind, pool, labels] of pools) {
    const name = `reins-${kind}-${pool}`
    const deployment = all.find((one) => one.kind === 'Deployment' && one.metadata.name === name)
    expect(deployment?.spec.replicas).toBeUndefined()
    expect(deployment?.spec.template?.spec.containers[0].env).toContainEqual({
      name: 'REINS_LABELS',
      value: canonicalLabels(labels),
    })
    const triggers = scaled.find(({ metadata }) => metadata.name === name)?.spec.triggers ?? []
    const queries = (triggers as { metadata: { query: string } }[]).map(({ metadata }) => metadata.query)
    const asked = queries.flatMap((query) => [...query.matchAll(/(reins_\w+)(\{[^}]*\})/g)])
    expect(asked).toHaveLength(3)
    for (const [, metric = '', of] of asked) {
      expect(metricCatalogue).toHaveProperty(metric)
      expect(of).toBe(`{kind="${kind}",labels="${canonicalLabels(labels)}"}`)
    }
  }
})

test('docs/scale.md shows what a day comes to by the rules that are rendered', () => {
  expect(read('docs/scale.md')).toContain(`\n${dayTable()}\n`)
})
