// docs/settings.md and the product agree on which settings there are: the product says so by what it asks its environment for.
import { readFileSync } from 'node:fs'
import path from 'node:path'
import { loadLocalConfig } from '@reins/local'
import { describe, expect, test } from 'vitest'

const document = readFileSync(path.join(import.meta.dirname, '..', '..', 'docs', 'settings.md'), 'utf8')
const rows = document.split('\n').filter((line) => line.startsWith('| `'))
/** Variables are in the first column. */
const told = rows.flatMap((row) => [...(row.split('|')[1] ?? '').matchAll(/`([A-Z_]+)`/g)].map(([, name = '']) => name))

/** Read by everybody, or for tests. What begins with OTEL_ is OpenTelemetry's, whose library reads some of it. */
const notTold = ['HOME', 'PATH', 'XDG_CACHE_HOME', 'REINS_PAUSE_AT']
const isOurs = (name: string): boolean => !name.startsWith('OTEL_') && !notTold.includes(name)

const { settings } = loadLocalConfig({ REINS_METRICS_PORT: '0' }, {}, '/')
const known = settings.filter((name) => /^[A-Z][A-Z_]+$/.test(name) && isOurs(name))

describe('docs/settings.md', () => {
  test('names each setting once, and no other', () => {
    expect(told.filter(isOurs).toSorted()).toEqual(known.toSorted())
  })

  test('names flags that set the same: with the flag given, the variable does not count', () => {
    const flags = rows.flatMap((row) =>
      [...(row.split('|')[2] ?? '').matchAll(/`--([a-z-]+)`/g)].map(([, flag = '']) => flag),
    )
    expect(flags).toContain('data-dir')
    const commands = readFileSync(path.join(import.meta.dirname, '..', '..', 'docs', 'cli.md'), 'utf8')
    for (const flag of flags) expect(commands, flag).toContain(`--${flag}`)
  })
})

describe('a variable that is no setting', () => {
  test.each([
    [{ REINS_DURABILTY: 'interval' }, [{ name: 'REINS_DURABILTY', meant: 'REINS_DURABILITY' }]],
    [{ REINS_LABEL: 'gpu=true' }, [{ name: 'REINS_LABEL', meant: 'REINS_LABELS' }]],
    [{ REINS_SERVICE_HOST: '10.0.0.1', REINS_PORT_7420_TCP_PROTO: 'tcp', REINS_URL: 'http://x' }, []],
    [{ REINS_OIDC_CLIENT_ID: 'cli', PATHS: 'x' }, []],
  ])('%j', (env, misspelt) => {
    expect(loadLocalConfig(env, {}, '/').misspelt).toEqual(misspelt)
  })
})
