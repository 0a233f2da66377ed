import { describe, expect, test } from 'vitest'
import { loadTraceSettings, tracesUrl } from './config.ts'

const settings = (env: Record<string, string>) => loadTraceSettings(env).settings

describe('the export of spans, by the environment', () => {
  test('without an endpoint it is off', () => {
    expect(loadTraceSettings({})).toMatchObject({ settings: { url: undefined, service: 'reins' }, problems: [] })
  })

  test('an endpoint turns it on: spans go to the path that OTLP gives them', () => {
    expect(settings({ OTEL_EXPORTER_OTLP_ENDPOINT: 'http://collector:4318' }).url).toBe(
      'http://collector:4318/v1/traces',
    )
    expect(settings({ OTEL_EXPORTER_OTLP_ENDPOINT: 'https://host/otlp/' }).url).toBe('https://host/otlp/v1/traces')
    expect(settings({ OTEL_EXPORTER_OTLP_TRACES_ENDPOINT: 'http://tempo/spans' }).url).toBe('http://tempo/spans')
    expect(tracesUrl('http://127.0.0.1:4318/v1/traces')).toBe('http://127.0.0.1:4318/v1/traces')
  })

  test('OpenTelemetry is turned off by its own variables', () => {
    const OTEL_EXPORTER_OTLP_ENDPOINT = 'http://collector:4318'
    expect(settings({ OTEL_EXPORTER_OTLP_ENDPOINT, OTEL_SDK_DISABLED: 'true' }).url).toBeUndefined()
    expect(settings({ OTEL_EXPORTER_OTLP_ENDPOINT, OTEL_TRACES_EXPORTER: 'none' }).url).toBeUndefined()
  })

  test('headers and the resource are taken as OpenTelemetry writes them', () => {
    expect(
      settings({
        OTEL_EXPORTER_OTLP_ENDPOINT: 'http://collector:4318',
        OTEL_EXPORTER_OTLP_HEADERS: 'authorization=Bearer%20abc, x-tenant=one',
        OTEL_RESOURCE_ATTRIBUTES: 'deployment.environment.name=prod,service.name=ours',
      }),
    ).toMatchObject({
      headers: { authorization: 'Bearer abc', 'x-tenant': 'one' },
      service: 'ours',
      resource: { 'deployment.environment.name': 'prod' },
    })
  })

  test('what is wrong is named, with a valid value', () => {
    const { problems } = loadTraceSettings({
      OTEL_EXPORTER_OTLP_ENDPOINT: 'collector:4318',
      OTEL_EXPORTER_OTLP_PROTOCOL: 'grpc',
      REINS_TRACE_CONTENT: 'perhaps',
    })
    expect(problems).toEqual([
      expect.stringContaining('OTEL_EXPORTER_OTLP_ENDPOINT=http://127.0.0.1:4318'),
      expect.stringContaining('grpc is not supported'),
      expect.stringContaining('REINS_TRACE_CONTENT=1'),
    ])
  })
})
