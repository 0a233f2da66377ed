// docs/permissions.md, made from the table of operations, the built-in roles, the routes, and what services ask each other.
import { type AskedService, builtinRoles, formerPermissions, mayAsk, serviceVerbs } from '@reins/contracts'
import { type Need, toldAs } from '../../../api/access/needs.ts'
import { type Operation, operations } from '../../../api/operations.ts'

/** A route as /openapi.json has it. */
export interface DescribedRoute {
  readonly name: string
  readonly summary: string
}

const inWords = (needs: Need | undefined): string => {
  if (needs === undefined) return 'nothing: it is public'
  if (needs.length === 0) return 'a token'
  return needs.map((all) => all.map((one) => `\`${toldAs(one)}\``).join(' and ')).join('; or ')
}

export function permissionsDocument(routes: readonly DescribedRoute[]): string {
  const all: readonly Operation[] = Object.values(operations)
  const routesOf = ({ summary }: Operation): string =>
    routes
      .filter((route) => route.summary === summary)
      .map(({ name }) => `\`${name}\``)
      .join(', ') || 'part of another one'
  const tags = [...new Set(all.map(({ tag }) => tag))]
  return [
    '# Permissions',
    '',
    'What each operation needs, and what the built-in roles hold. [auth.md](auth.md) says how permissions, roles and tokens',
    'work. This page is written from `services/session-gateway/src/api/operations.ts` and',
    '`libs/contracts/src/access/roles.ts`; a test keeps it in step.',
    '',
    '## Built-in roles',
    '',
    '| role | what it is for | permissions |',
    '|---|---|---|',
    ...builtinRoles.map(
      ({ name, description, permissions }) =>
        `| \`${name}\` | ${description} | ${permissions.map((one) => `\`${one}\``).join(', ')} |`,
    ),
    '',
    ...tags.flatMap((tag) => [
      `## ${tag[0]?.toUpperCase()}${tag.slice(1)}`,
      '',
      '| operation | route | needs |',
      '|---|---|---|',
      ...all
        .filter((one) => one.tag === tag)
        .map((one) => `| ${one.summary} | ${routesOf(one)} | ${inWords(one.needs)} |`),
      '',
    ]),
    '## What services ask each other',
    '',
    'The gateway lets a request of a person pass, as the tables above say, before it asks another service. The broker lets',
    'each service ask only what stands here: each has a user of its own there. The process of `npm start` holds all of it.',
    '',
    '| service | request | what it does | who may ask it |',
    '|---|---|---|---|',
    ...(Object.keys(serviceVerbs) as AskedService[]).flatMap((service) =>
      Object.entries(serviceVerbs[service]).map(
        ([verb, does]) => `| ${service} | \`${verb}\` | ${does} | ${mayAsk(service, verb).join(', ')} |`,
      ),
    ),
    '',
    '## Permissions of before',
    '',
    'Older tokens have permissions of another form. Each goes on to mean what it meant.',
    '',
    '| permission | stands for |',
    '|---|---|',
    ...Object.entries(formerPermissions).map(
      ([former, now]) => `| \`${former}\` | ${now.map((one) => `\`${one}\``).join(', ')} |`,
    ),
    '',
  ].join('\n')
}
