// What services may be asked by others, beside the streams: every request, in what words, and by whom. The services serve exactly these, and
// docs/permissions.md is made of it.
//   SV1. Who may ask what is decided by the broker, from the rights of each service's user (nats-users.ts): nothing here grants anything.
import { permissionsOf, type ServiceName, serviceNames } from './nats-users.ts'
import { serviceSubject } from './subjects.ts'

export const serviceVerbs = {
  registry: {
    put: 'create, update or apply an agent',
    configure: 'run the initializer of an agent that is a module of a project',
    vary: 'keep a version of a definition with another model or more tools, for a prompt of a workflow',
    delete: 'delete an agent',
    list: 'list agents',
    'projects.put': 'deploy a build of a project',
    'projects.rollback': 'go back to an earlier build',
    'projects.delete': 'delete a project',
    'projects.secrets':
      'give the values of the secrets that a build of a project declares, sealed for the process that asks',
    'secrets.put': 'keep a secret',
    'secrets.get': 'show a secret, without its value',
    'secrets.list': 'list secrets, without their values',
    'secrets.delete': 'remove a secret',
    'secrets.rotate': 'encrypt all secrets with a new key',
    'secrets.resolve':
      'give the values of the secrets that a version of an agent names, sealed for the process that asks',
    'configs.put': 'set a setting',
    'configs.get': 'show a setting',
    'configs.list': 'list settings',
    'configs.delete': 'remove a setting',
    'webhooks.create': 'make a webhook',
    'webhooks.get': 'show a webhook',
    'webhooks.list': 'list webhooks',
    'webhooks.delete': 'remove a webhook',
    'webhooks.said': 'keep what an identity provider says by now of who made webhooks',
    'webhooks.sign': 'sign a delivery of a webhook',
    'roles.put': 'make or change a role',
    'roles.delete': 'remove a role',
    'principals.change': 'make, grant, revoke or ban a principal',
    'tokens.create': 'make a token',
    'tokens.revoke': 'revoke a token',
    'denials.record': 'record what was refused to whom',
  },
  'session-gateway': {
    dispatch: 'give an agent’s instance work, on behalf of a project whose code runs in a workflow or a tool',
    compact: 'have the context of a session below a run compacted, and tell how far that is',
    'request.<gateway>': 'give the HTTP request that a run began with, for its code (`ctx.req`)',
  },
  memory: {
    'entries.recall': 'read what is remembered under a key',
    'entries.list': 'list what a scope remembers',
    'entries.search': 'search what a scope remembers',
    'entries.store': 'remember something',
    'entries.forget': 'forget something',
    'entries.clear': 'forget a whole scope',
    'entries.history': 'show the changes of an entry',
    'entries.scopes': 'list scopes',
    'sessions.list': 'list sessions',
    'sessions.tree': 'list a delegation tree',
    'sessions.erasable': 'tell which other sessions keep one from being erased',
    'approvals.list': 'list approvals',
    'elicitations.list': 'list questions to people',
    'usage.report': 'sum up what was used',
    rebuild: 'rebuild the index',
    'rebuild.progress': 'tell how far a rebuild is',
    'webhooks.test': 'send a webhook a test',
    'webhooks.deliveries': 'list deliveries of webhooks',
  },
  'tool-runner': {
    'mcp.test': 'connect to the MCP servers of an agent',
  },
} as const satisfies Readonly<Partial<Record<ServiceName, Readonly<Record<string, string>>>>>

export type AskedService = keyof typeof serviceVerbs
/** As `svc.<service>.<verb>`. */
export type ServiceVerb<S extends AskedService> = keyof (typeof serviceVerbs)[S] & string

/** SV1. */
export const mayAsk = (service: AskedService, verb: string): readonly ServiceName[] =>
  serviceNames.filter((name) => mayPublish(name, serviceSubject(service, verb)))

function mayPublish(service: ServiceName, subject: string): boolean {
  const { allow = [], deny = [] } = permissionsOf(service).publish ?? {}
  return allow.some((filter) => lets(filter, subject)) && !deny.some((filter) => lets(filter, subject))
}

/** As the broker matches a subject: `*` is one token, `>` all that follow. */
function lets(filter: string, subject: string): boolean {
  const tokens = subject.split('.')
  const words = filter.split('.')
  const fits = words.every(
    (word, at) => word === '>' || (tokens[at] !== undefined && (word === '*' || word === tokens[at])),
  )
  return fits && (words.at(-1) === '>' ? tokens.length >= words.length : tokens.length === words.length)
}
