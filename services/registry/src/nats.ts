// The registry's requests: decode, call, encode. What each one takes and gives stands in contracts (registry.ts).

import { type Broker, BrokerUnavailable, type Handler, serveRequests } from '@reins/broker'
import {
  ChangePrincipalRequest,
  ConfigureAgent,
  CreateTokenRequest,
  configureVerb,
  formOf,
  Only,
  PutRoleRequest,
  problemsOf,
  RecordDenials,
  projectSecretsVerb,
  ReinsError,
  resolveSecretsVerb,
  Said,
  SentFiles,
  signWebhookVerb,
  type ServiceVerb,
  VaryVersion,
  varyVerb,
} from '@reins/contracts'
import type { Log } from '@reins/telemetry'
import { type Static, type TSchema, Type } from 'typebox'
import type { AccessEntries } from './access/access.ts'
import type { Agents } from './agents.ts'
import type { Lists } from './projection/lists.ts'
import type { Configurations } from './projects/configurations.ts'
import type { Projects } from './projects/projects.ts'
import type { Configs } from './values/configs.ts'
import type { Secrets } from './values/secrets.ts'
import type { Webhooks } from './values/webhooks.ts'

const closed = { additionalProperties: false } as const
const Name = Type.String({ maxLength: 200 })
const By = Type.String({ minLength: 1, maxLength: 200 })
const Limit = Type.Integer({ minimum: 1, maximum: 1000 })
const Put = Type.Object(
  {
    name: Name,
    source: Type.Union([
      Type.Object({ yaml: Type.String() }, closed),
      Type.Object({ definition: Type.Unknown() }, closed),
    ]),
    condition: Type.Union([
      Type.Object({ kind: Type.Literal('create') }, closed),
      Type.Object({ kind: Type.Literal('update'), digest: Type.String() }, closed),
      Type.Object({ kind: Type.Literal('apply') }, closed),
    ]),
    by: By,
    files: Type.Optional(SentFiles),
    mayRegister: Type.Optional(Type.Boolean()),
    maySecrets: Type.Optional(Type.Array(Name)),
  },
  closed,
)
const OnlyNames = Type.Optional(Type.Array(Name, { maxItems: 2000 }))
const List = Type.Object(
  { limit: Limit, after: Type.Optional(Type.String({ maxLength: 512 })), only: OnlyNames },
  closed,
)
const Delete = Type.Object(
  { name: Name, ifMatch: Type.Optional(Type.String()), force: Type.Optional(Type.Boolean()), by: By },
  closed,
)

const Named = Type.Object({ name: Name }, closed)
const Remove = Type.Object({ name: Name, by: By }, closed)
const limited = Type.Optional(Type.Boolean())
const PutConfigRequest = Type.Object({ name: Name, value: Type.Unknown(), by: By, limited }, closed)
const Page = Type.Object(
  { limit: Limit, after: Type.Optional(Type.String({ maxLength: 200 })), only: OnlyNames },
  closed,
)
const PutSecretRequest = Type.Object({ name: Name, value: Type.String(), by: By, limited }, closed)
const CreateHook = Type.Object(
  {
    url: Type.String({ maxLength: 2000 }),
    on: Type.Array(Type.String(), { minItems: 1, maxItems: 50 }),
    by: By,
    only: Type.Optional(Only),
    most: Type.Optional(Type.Integer({ minimum: 1 })),
    said: Type.Optional(Said),
  },
  closed,
)
const SaidOfMaker = Type.Object({ by: By, said: Said }, closed)
const Hook = Type.Object({ id: Name }, closed)
const RemoveHook = Type.Object({ id: Name, by: By }, closed)
const Sign = Type.Object(
  { id: Name, delivery: Type.String({ maxLength: 100 }), at: Type.Integer({ minimum: 0 }), body: Type.String() },
  closed,
)
const deployer = { by: By, maySecrets: Type.Optional(Type.Array(Name)) }
const PutProject = Type.Object(
  { name: Name, bundle: Type.String(), development: Type.Optional(Type.Boolean()), ...deployer },
  closed,
)
const Rollback = Type.Object({ name: Name, version: Type.Optional(Type.Integer({ minimum: 1 })), ...deployer }, closed)
const RevokeToken = Type.Object({ hash: Name, by: By }, closed)
const Nothing = Type.Object({}, closed)
const Rotate = Type.Object({ by: By }, closed)
const Resolve = Type.Object(
  {
    names: Type.Array(Name, { minItems: 1, maxItems: 100 }),
    // Of a version of an agent, or of the bundle of a project.
    digest: Type.String({ pattern: '^([0-9a-f]{32}|sha256-[0-9a-f]{64})$' }),
    to: Type.String({ maxLength: 64 }),
  },
  closed,
)

export interface ServeOptions {
  readonly broker: Broker
  readonly agents: Agents
  readonly configurations: Configurations
  readonly projects: Projects
  readonly lists: Lists
  /** Why nothing may be written now; undefined: it may. */
  readonly full: () => ReinsError | undefined
  readonly secrets: Secrets
  readonly configs: Configs
  readonly webhooks: Webhooks
  readonly access: AccessEntries
  readonly log: Log
}

/** The caller closes it. */
export function serveRegistry({
  broker,
  agents,
  configurations,
  projects,
  lists,
  secrets,
  configs,
  webhooks,
  access,
  full,
  log,
}: ServeOptions): {
  close(): void
} {
  let written = 0
  const admitted = <T>(write: () => Promise<T>): Promise<T> => {
    const obstacle = full()
    if (obstacle) throw obstacle
    return write()
  }
  /** Of what the projection follows. */
  const writes = async <T extends { readonly seq: number }>(write: () => Promise<T>): Promise<T> => {
    const reply = await admitted(write)
    written = Math.max(written, reply.seq)
    return reply
  }
  return serveRequests(
    broker,
    'registry',
    {
      put: handle(Put, (request) => writes(() => agents.put(request))),
      [configureVerb]: handle(ConfigureAgent, (request) => admitted(() => configurations.configure(request))),
      [varyVerb]: handle(VaryVersion, (request) => admitted(() => configurations.vary(request))),
      delete: handle(Delete, ({ name, ifMatch, by, force }) => writes(() => agents.delete(name, ifMatch, by, force))),
      list: handle(List, async ({ limit, after, only }) => ({
        value: await lists.agents(limit, after, written, only),
      })),
      'projects.put': handle(PutProject, ({ name, bundle, ...deployer }) =>
        admitted(() => projects.put(name, bundle, deployer)),
      ),
      'projects.rollback': handle(Rollback, ({ name, version, ...deployer }) =>
        admitted(() => projects.rollback(name, version, deployer)),
      ),
      'projects.delete': handle(Remove, ({ name, by }) => admitted(() => projects.delete(name, by))),
      'secrets.put': handle(PutSecretRequest, ({ name, value, by, limited: less }) =>
        admitted(() => secrets.put(name, value, by, less)),
      ),
      'secrets.get': handle(Named, ({ name }) => secrets.get(name)),
      'secrets.list': handle(Page, ({ limit, after, only }) => secrets.list(limit, after, only)),
      'secrets.delete': handle(Remove, ({ name, by }) => admitted(() => secrets.delete(name, by))),
      'secrets.rotate': handle(Rotate, async ({ by }) => {
        const { value } = await admitted(() => secrets.rotate())
        log.info({ by, ...value }, 'the key of the secrets was asked to change')
        return { value }
      }),
      [projectSecretsVerb]: handle(Resolve, (request) => secrets.resolveForProject(request)),
      [resolveSecretsVerb]: handle(Resolve, (request) => secrets.resolve(request)),
      'configs.put': handle(PutConfigRequest, ({ name, value, by, limited: less }) =>
        admitted(() => configs.put(name, value, by, less)),
      ),
      'configs.get': handle(Named, ({ name }) => configs.get(name)),
      'configs.list': handle(Page, ({ limit, after, only }) => configs.list(limit, after, only)),
      'configs.delete': handle(Remove, ({ name, by }) => admitted(() => configs.delete(name, by))),
      'webhooks.create': handle(CreateHook, ({ url, on, by, ...made }) =>
        admitted(() => webhooks.create(url, on, by, made)),
      ),
      'webhooks.said': handle(SaidOfMaker, ({ by, said }) => admitted(() => webhooks.said(by, said))),
      'webhooks.get': handle(Hook, ({ id }) => webhooks.get(id)),
      'webhooks.list': handle(Nothing, () => webhooks.list()),
      'webhooks.delete': handle(RemoveHook, ({ id, by }) => admitted(() => webhooks.delete(id, by))),
      'roles.put': handle(PutRoleRequest, (request) => admitted(() => access.putRole(request))),
      'roles.delete': handle(Remove, ({ name, by }) => admitted(() => access.deleteRole(name, by))),
      'principals.change': handle(ChangePrincipalRequest, (request) => admitted(() => access.changePrincipal(request))),
      'tokens.create': handle(CreateTokenRequest, (request) => admitted(() => access.createToken(request))),
      'tokens.revoke': handle(RevokeToken, ({ hash, by }) => admitted(() => access.revokeToken(hash, by))),
      'denials.record': handle(RecordDenials, ({ denials }) => admitted(() => access.recordDenials(denials))),
      [signWebhookVerb]: handle(Sign, (request) => webhooks.sign(request)),
    } satisfies Readonly<Record<ServiceVerb<'registry'>, Handler>>,
    (verb, error) =>
      log.error({ verb, err: error instanceof Error ? error.message : String(error) }, 'a request failed'),
  )
}

function handle<S extends TSchema>(
  schema: S,
  run: (request: Static<S>) => Promise<{ readonly value: unknown; readonly seq?: number }>,
): Handler {
  const fits = formOf(schema)
  return async (request) => {
    if (!fits(request)) {
      const [problem] = problemsOf(schema, request)
      const where = problem?.path ? `"${problem.path}"` : 'The request'
      throw new ReinsError('invalid_request', `${where} ${problem?.message ?? 'is not valid'}.`)
    }
    try {
      return await run(request)
    } catch (error) {
      if (error instanceof BrokerUnavailable)
        throw new ReinsError('unavailable', `The registry cannot reach its stream: ${error.message}.`)
      throw error
    }
  }
}
