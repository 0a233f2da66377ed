// What the environment says of the export of spans, by the names that OpenTelemetry gives them. Pure; every mistake is named.
import type { Content } from './content.ts'

type Env = Readonly<Record<string, string | undefined>>

export interface TraceSettings {
  /** Where spans go: the whole URL. undefined: nowhere. */
  readonly url: string | undefined
  /** Their values may be secret. What sends spans reads them by itself, with the time-out and the compression. */
  readonly headers: Readonly<Record<string, string>>
  /** Of the resource: what a collector knows this installation by. */
  readonly service: string
  readonly resource: Readonly<Record<string, string>>
  readonly content: Content | undefined
}

/** Characters of one attribute that holds what was said. */
const contentCharacters = 16_000

export function loadTraceSettings(env: Env): {
  readonly settings: TraceSettings
  readonly problems: readonly string[]
} {
  const problems: string[] = []
  const text = (name: string): string | undefined => {
    const value = env[name]?.trim()
    return value === '' ? undefined : value
  }
  const first = (name: string): string | undefined =>
    text(`OTEL_EXPORTER_OTLP_TRACES_${name}`) ?? text(`OTEL_EXPORTER_OTLP_${name}`)
  const off = text('OTEL_SDK_DISABLED')?.toLowerCase() === 'true' || text('OTEL_TRACES_EXPORTER') === 'none'
  const whole = text('OTEL_EXPORTER_OTLP_TRACES_ENDPOINT')
  const base = text('OTEL_EXPORTER_OTLP_ENDPOINT')
  const given = whole ?? base
  const valid = given !== undefined && URL.canParse(given) && /^https?:$/.test(new URL(given).protocol)
  if (given !== undefined && !valid)
    problems.push(
      `${whole === undefined ? 'OTEL_EXPORTER_OTLP_ENDPOINT' : 'OTEL_EXPORTER_OTLP_TRACES_ENDPOINT'} is not a URL of a collector that takes OTLP over HTTP. Give one such as OTEL_EXPORTER_OTLP_ENDPOINT=http://127.0.0.1:4318`,
    )
  const protocol = first('PROTOCOL')
  if (protocol === 'grpc')
    problems.push(
      'OTEL_EXPORTER_OTLP_PROTOCOL=grpc is not supported. Leave it out: Reins sends OTLP over HTTP, which a collector takes at port 4318',
    )
  const content = text('REINS_TRACE_CONTENT')
  if (content !== undefined && !/^(1|0|true|false)$/.test(content))
    problems.push(`REINS_TRACE_CONTENT="${content}" is not valid. Give REINS_TRACE_CONTENT=1 or leave it out`)
  const resource = pairs(text('OTEL_RESOURCE_ATTRIBUTES'))
  const url = off || !valid ? undefined : whole === undefined ? tracesUrl(given) : given
  return {
    settings: {
      url,
      headers: pairs(first('HEADERS')),
      service: text('OTEL_SERVICE_NAME') ?? resource['service.name'] ?? 'reins',
      resource,
      content: content === '1' || content === 'true' ? { characters: contentCharacters } : undefined,
    },
    problems,
  }
}

/** The address of spans below that of a collector; a URL with a path of its own is that address already. */
export function tracesUrl(collector: string): string {
  const url = new URL(collector)
  if (!/\/v1\/traces\/?$/.test(url.pathname)) url.pathname = `${url.pathname.replace(/\/+$/, '')}/v1/traces`
  return url.href
}

/** `key=value,key=value`, percent-encoded. */
function pairs(text: string | undefined): Record<string, string> {
  const found = (text ?? '').split(',').flatMap((pair): (readonly [string, string])[] => {
    const at = pair.indexOf('=')
    return at < 1 ? [] : [[pair.slice(0, at).trim(), decoded(pair.slice(at + 1).trim())]]
  })
  return Object.fromEntries(found)
}

function decoded(text: string): string {
  try {
    return decodeURIComponent(text)
  } catch {
    return text
  }
}
