// /openapi.json, made from the routes: OpenAPI 3.1, whose schemas are JSON Schema as TypeBox has it.
import { ErrorBody, type ErrorCode } from '@reins/contracts'
import { type TSchema, Type } from 'typebox'
import type { Route } from '../route.ts'
import { toldAs } from '../../../api/access/needs.ts'
import { statusOf } from '../statuses.ts'

export const ErrorAnswer = Type.Object({ error: ErrorBody }, { additionalProperties: false })

interface ObjectSchema {
  readonly properties?: Readonly<Record<string, TSchema & { description?: string }>>
  readonly required?: readonly string[]
}

export function openApi(routes: readonly Route[], version: string): Readonly<Record<string, unknown>> {
  const paths: Record<string, Record<string, unknown>> = {}
  for (const route of routes) {
    const path = route.path.replaceAll(/:(\w+)/g, '{$1}')
    paths[path] = { ...paths[path], [route.method.toLowerCase()]: operation(route) }
  }
  return {
    openapi: '3.1.0',
    info: { title: 'Reins', version, description: 'Agents, their sessions, and the streams of their events.' },
    servers: [{ url: '/' }],
    paths,
    components: {
      securitySchemes: { token: { type: 'http', scheme: 'bearer' } },
      schemas: { Error: ErrorAnswer },
    },
  }
}

function operation(route: Route): Readonly<Record<string, unknown>> {
  const errors = new Map<number, string[]>()
  const everywhere: readonly ErrorCode[] = ['forbidden', 'not_acceptable', 'internal']
  const guarded: readonly ErrorCode[] = route.needs === undefined ? [] : ['unauthorized']
  const bodies: readonly ErrorCode[] = route.body ? ['invalid_json', 'body_too_large', 'unsupported_media_type'] : []
  for (const code of new Set([...route.errors, ...bodies, ...guarded, ...everywhere]))
    errors.set(statusOf[code], [...(errors.get(statusOf[code]) ?? []), code])
  return {
    operationId: `${route.method.toLowerCase()}${route.path.replaceAll(/[/:.]+(\w)/g, (_, letter: string) => letter.toUpperCase())}`,
    summary: route.summary,
    tags: [route.tag],
    security: route.needs === undefined ? [] : [{ token: [] }],
    ...(route.needs === undefined ? {} : { 'x-permissions': route.needs.map((all) => all.map(toldAs)) }),
    parameters: [
      ...parameters(route.params, 'path'),
      ...parameters(route.query, 'query'),
      ...Object.entries(route.headers ?? {}).map(([name, description]) => ({
        name,
        in: 'header',
        required: false,
        description,
        schema: { type: 'string' },
      })),
    ],
    ...(route.body
      ? {
          requestBody: {
            required: true,
            content: {
              'application/json': { schema: route.body },
              ...(route.yaml ? { 'application/yaml': { schema: { type: 'string' } } } : {}),
            },
          },
        }
      : {}),
    responses: Object.fromEntries([
      ...Object.entries(route.answers).map(
        ([status, schema]) => [status, answer(route, Number(status), schema)] as const,
      ),
      ...[...errors].map(
        ([status, codes]) =>
          [
            String(status),
            {
              description: codes.join(', '),
              content: { 'application/json': { schema: { $ref: '#/components/schemas/Error' } } },
            },
          ] as const,
      ),
    ]),
  }
}

const descriptions: Readonly<Record<number, string>> = {
  101: 'Switches to a WebSocket',
  200: 'As asked',
  201: 'Made',
  202: 'Accepted',
}

function answer(route: Route, status: number, schema: TSchema | string): Readonly<Record<string, unknown>> {
  const description = descriptions[status] ?? 'As asked'
  if (status === 101) return { description }
  const text = { schema: { type: 'string' } }
  if (typeof schema === 'string') return { description, content: { [schema]: text } }
  const streams = Object.fromEntries((route.streams ?? []).map((form) => [form, text]))
  return { description, content: { 'application/json': { schema }, ...streams } }
}

function parameters(
  schema: TSchema | undefined,
  place: 'path' | 'query',
): readonly Readonly<Record<string, unknown>>[] {
  const { properties = {}, required = [] } = (schema ?? {}) as ObjectSchema
  return Object.entries(properties).map(([name, property]) => ({
    name,
    in: place,
    required: place === 'path' || required.includes(name),
    ...(property.description === undefined ? {} : { description: property.description }),
    schema: property,
  }))
}
