// What can be asked of the gateway, over every door: in what words, by whom, and what it may be refused for. The one table of it.
// A door adds how it is asked there: for HTTP doors/http/routes-*.ts.
//   O1. An operation without `needs` is public. What it needs stands here, and nowhere else: the doors check it before a body is read,
//       what carries it out checks it with all that it knows, lists are filtered with it, and docs/auth.md is made of it.
//   O2. `names`: which part of a route's path fills which hole of the need.
import { chatRun, type ErrorCode, registerPermission, sessionReading, webhookMaking } from '@reins/contracts'
import type { Hole, Need } from './access/needs.ts'

export interface Operation {
  readonly summary: string
  readonly tag:
    | 'agents'
    | 'projects'
    | 'secrets'
    | 'configs'
    | 'webhooks'
    | 'memory'
    | 'sessions'
    | 'runs'
    | 'approvals'
    | 'usage'
    | 'pools'
    | 'access'
    | 'operations'
  /** O1. []: whoever is known may it. */
  readonly needs?: Need
  /** O2. */
  readonly names?: Readonly<Record<string, Hole>>
  /** Besides what any request may meet. */
  readonly errors: readonly ErrorCode[]
  /** It appends to a session, and takes of the share of its caller there, by whichever door it is asked for. */
  readonly appends?: true
}

const readsSession: Need = sessionReading
/** To start a session, and to go on with it. */
const startsSession: Need = [['agent:{agent}:start', chatRun]]
/** To read a session, and to start one of its agent: the fork has what was said in it. */
const forksSession: Need = readsSession.map((reads) => ['session:{agent}:fork', ...reads, ...(startsSession[0] ?? [])])
/** Whoever may send a message that interrupts may stop as well. */
const stopsSession: Need = [['session:{agent}:cancel'], ['execution:{session}:cancel'], ...startsSession]
const decides: Need = [['approval:{agent}:{tool}']]
const seesWaiting: Need = [['approval:{agent}:{tool}:read'], ...decides, ...readsSession]

const ofSession = { id: 'session' } as const
const ofAgent = { name: 'agent' } as const

const appendErrors = ['idempotency_conflict', 'storage_full', 'unavailable'] as const

const sessionWrite = (summary: string, needs: Need, errors: readonly ErrorCode[]): Operation => ({
  summary,
  tag: 'sessions',
  needs,
  names: ofSession,
  errors: [...errors, ...appendErrors],
  appends: true,
})

const control = (summary: string): Operation =>
  sessionWrite(summary, stopsSession, ['session_not_found', 'session_ended', 'session_conflict'])

const sessionRead = (summary: string, errors: readonly ErrorCode[]): Operation => ({
  summary,
  tag: 'sessions',
  needs: readsSession,
  names: ofSession,
  errors,
})

/** Looking at what waits for people. */
const waitRead = (summary: string, errors: readonly ErrorCode[]): Operation => ({
  summary,
  tag: 'approvals',
  needs: seesWaiting,
  names: ofSession,
  errors,
})

/** What people say to what waits for them. */
const waitAnswer = (summary: string, needs: Need, errors: readonly ErrorCode[]): Operation => ({
  summary,
  tag: 'approvals',
  needs,
  names: ofSession,
  errors: [...errors, ...appendErrors],
  appends: true,
})

const memoryErrors = ['invalid_request', 'agent_not_found', 'memory_unusable', 'unavailable'] as const

const memoryRead = (summary: string, errors: readonly ErrorCode[] = []): Operation => ({
  ...{ summary, tag: 'memory', needs: [['memory:{scope}:read']] },
  errors: [...memoryErrors, ...errors],
})

const memoryWrite = (summary: string, errors: readonly ErrorCode[]): Operation => ({
  ...{ summary, tag: 'memory', needs: [['memory:{scope}:manage']] },
  errors: [...memoryErrors, 'storage_full', ...errors],
})

export const operations = {
  putAgent: {
    summary: 'Create, update or apply an agent',
    tag: 'agents',
    needs: [['agent:{agent}:create'], ['agent:{agent}:update']],
    names: ofAgent,
    errors: [
      'invalid_request',
      'invalid_agent',
      'not_supported',
      'agent_exists',
      'agent_changed',
      'agent_not_found',
      'storage_full',
      'unavailable',
    ],
  },
  /** Parts of putAgent: each is asked for by what the agent is by then. */
  createAgent: { summary: 'Create an agent', tag: 'agents', needs: [['agent:{agent}:create']], errors: [] },
  updateAgent: { summary: 'Update an agent', tag: 'agents', needs: [['agent:{agent}:update']], errors: [] },
  registerCode: {
    summary: 'Give an agent code that it does not have yet: tools_file, workflow_file, skills, programs of MCP servers',
    tag: 'agents',
    needs: [[registerPermission]],
    errors: [],
  },
  useSecret: {
    summary: 'Give an agent a secret that it does not name yet, or send one that it names to another MCP server',
    tag: 'secrets',
    needs: [['secret:use:{secret}']],
    errors: [],
  },
  showAgent: {
    summary: 'Show an agent',
    tag: 'agents',
    needs: [['agent:{agent}:read']],
    names: ofAgent,
    errors: ['invalid_request', 'agent_not_found', 'unavailable'],
  },
  deleteAgent: {
    summary: 'Delete an agent: its sessions and versions stay',
    tag: 'agents',
    needs: [['agent:{agent}:delete']],
    names: ofAgent,
    errors: ['invalid_request', 'agent_not_found', 'agent_changed', 'agent_in_use', 'storage_full', 'unavailable'],
  },
  listAgents: {
    summary: 'List agents',
    tag: 'agents',
    needs: [['agent:{agent}:read']],
    errors: ['invalid_request', 'unavailable'],
  },
  deployProject: {
    summary: 'Deploy a build of a project: its agents, workflows and channels are this code from now on',
    tag: 'projects',
    needs: [[registerPermission]],
    errors: ['invalid_request', 'invalid_project', 'name_taken', 'body_too_large', 'storage_full', 'unavailable'],
  },
  rollbackProject: {
    summary: 'Go back to an earlier build of a project; Reins keeps the last ten',
    tag: 'projects',
    needs: [[registerPermission]],
    errors: ['invalid_request', 'project_not_found', 'name_taken', 'storage_full', 'unavailable'],
  },
  deleteProject: {
    summary: 'Delete a project: sessions of its agents and its bundles stay',
    tag: 'projects',
    needs: [[registerPermission]],
    errors: ['invalid_request', 'project_not_found', 'storage_full', 'unavailable'],
  },
  showProject: {
    summary: 'Show a project: its agents, workflows and channels, and the builds before',
    tag: 'projects',
    needs: [['workflow:*:*:read'], [registerPermission]],
    errors: ['invalid_request', 'project_not_found', 'unavailable'],
  },
  listSchedules: {
    summary: 'List when workflows and agents of projects run by themselves, the next first',
    tag: 'projects',
    needs: [['workflow:*:*:read'], [registerPermission]],
    errors: ['invalid_request', 'unavailable'],
  },
  listProjects: {
    summary: 'List projects, by name',
    tag: 'projects',
    needs: [['workflow:*:*:read'], [registerPermission]],
    errors: ['invalid_request', 'unavailable'],
  },
  putSecret: {
    summary: 'Keep a secret under a name, or give it a new value; no answer ever holds a value',
    tag: 'secrets',
    needs: [['secret:{secret}:manage']],
    names: { name: 'secret' },
    errors: ['invalid_request', 'body_too_large', 'storage_full', 'unavailable'],
  },
  showSecret: {
    summary: 'Show a secret: everything but its value',
    tag: 'secrets',
    needs: [['secret:{secret}:read']],
    names: { name: 'secret' },
    errors: ['invalid_request', 'secret_not_found', 'unavailable'],
  },
  deleteSecret: {
    summary: 'Remove a secret: tools that ask for it fail from then on',
    tag: 'secrets',
    needs: [['secret:{secret}:manage']],
    names: { name: 'secret' },
    errors: ['invalid_request', 'secret_not_found', 'storage_full', 'unavailable'],
  },
  listSecrets: {
    summary: 'List secrets, by name and without values',
    tag: 'secrets',
    needs: [['secret:{secret}:read']],
    errors: ['invalid_request', 'unavailable'],
  },
  rotateSecretsKey: {
    summary: 'Make a new key for all secrets, or finish that; their values stay',
    tag: 'secrets',
    needs: [['secret:*:manage']],
    errors: ['invalid_request', 'storage_full', 'unavailable'],
  },
  putConfig: {
    summary: 'Give a config a value, in plain text',
    tag: 'configs',
    needs: [['config:{config}:manage']],
    names: { name: 'config' },
    errors: ['invalid_request', 'storage_full', 'unavailable'],
  },
  showConfig: {
    summary: 'Show a config; agent:<name> is the definition of an agent, which agent:<name>:read must allow too',
    tag: 'configs',
    needs: [['config:{config}:read']],
    names: { name: 'config' },
    errors: ['invalid_request', 'config_not_found', 'agent_not_found', 'unavailable'],
  },
  deleteConfig: {
    summary: 'Remove a config',
    tag: 'configs',
    needs: [['config:{config}:manage']],
    names: { name: 'config' },
    errors: ['invalid_request', 'config_not_found', 'storage_full', 'unavailable'],
  },
  listConfigs: {
    summary: 'List configs, by name',
    tag: 'configs',
    needs: [['config:{config}:read']],
    errors: ['invalid_request', 'unavailable'],
  },
  testMcp: {
    summary: "Try an agent's MCP servers: what each says, and how long it took",
    tag: 'agents',
    needs: [['agent:{agent}:update']],
    names: ofAgent,
    errors: ['invalid_request', 'agent_not_found', 'unavailable'],
  },
  listMemoryScopes: memoryRead('List the scopes of a memory, by name'),
  listMemory: memoryRead('List what is remembered in a scope, by key'),
  searchMemory: memoryRead('Search what is remembered in a scope, the nearest first'),
  showMemory: memoryRead('Show what is remembered under a key', ['memory_not_found']),
  memoryHistory: memoryRead('All that was stored and forgotten under a key, the latest first'),
  putMemory: memoryWrite('Store a value under a key; If-Match names the version that it replaces', [
    'body_too_large',
    'memory_changed',
    'memory_full',
  ]),
  forgetMemory: memoryWrite('Forget what is remembered under a key', ['memory_not_found']),
  clearMemory: memoryWrite('Forget everything that is remembered in a scope', []),
  createToken: {
    summary: 'Make a token; the answer shows its text, once. It may no more than its maker and its principal',
    tag: 'access',
    needs: [['token:{principal}:create']],
    errors: ['invalid_request', 'principal_not_found', 'role_not_found', 'storage_full', 'unavailable'],
  },
  listTokens: {
    summary: 'List tokens that are not revoked, without their texts',
    tag: 'access',
    needs: [['token:{principal}:read']],
    errors: ['invalid_request'],
  },
  revokeToken: {
    summary:
      'Revoke a token of whoever may no more than the caller; anybody may revoke the one that the request comes with',
    tag: 'access',
    needs: [['token:{principal}:revoke']],
    errors: ['invalid_request', 'token_not_found', 'last_admin', 'storage_full', 'unavailable'],
  },
  listRoles: { summary: 'List roles, those of Reins first', tag: 'access', needs: [['role:{role}:read']], errors: [] },
  showRole: {
    summary: 'Show a role',
    tag: 'access',
    needs: [['role:{role}:read']],
    names: { name: 'role' },
    errors: ['invalid_request', 'role_not_found'],
  },
  createRole: {
    summary: 'Make a role, of permissions that the caller has',
    tag: 'access',
    needs: [['role:{role}:manage']],
    names: { name: 'role' },
    errors: ['invalid_request', 'role_exists', 'storage_full', 'unavailable'],
  },
  updateRole: {
    summary: 'Give a role other permissions; what it gains, and all of it where it loses some, the caller must have',
    tag: 'access',
    needs: [['role:{role}:manage']],
    names: { name: 'role' },
    errors: ['invalid_request', 'role_not_found', 'role_exists', 'last_admin', 'storage_full', 'unavailable'],
  },
  deleteRole: {
    summary: 'Delete a role that nobody has',
    tag: 'access',
    needs: [['role:{role}:manage']],
    names: { name: 'role' },
    errors: ['invalid_request', 'role_not_found', 'role_exists', 'role_in_use', 'storage_full', 'unavailable'],
  },
  listPrincipals: {
    summary: 'List principals: people and service accounts, with their roles',
    tag: 'access',
    needs: [['principal:{principal}:read']],
    errors: [],
  },
  showPrincipal: {
    summary: 'Show a principal',
    tag: 'access',
    needs: [['principal:{principal}:read']],
    names: { name: 'principal' },
    errors: ['invalid_request', 'principal_not_found'],
  },
  createPrincipal: {
    summary: 'Make a principal: a person or a service account',
    tag: 'access',
    needs: [['principal:{principal}:manage']],
    errors: ['invalid_request', 'principal_exists', 'role_not_found', 'storage_full', 'unavailable'],
  },
  grant: {
    summary: 'Give a principal roles and permissions, of what the caller has',
    tag: 'access',
    needs: [['principal:{principal}:manage']],
    names: { name: 'principal' },
    errors: ['invalid_request', 'principal_not_found', 'role_not_found', 'storage_full', 'unavailable'],
  },
  revokeGrant: {
    summary: 'Take roles and permissions from a principal that may no more than the caller',
    tag: 'access',
    needs: [['principal:{principal}:manage']],
    names: { name: 'principal' },
    errors: ['invalid_request', 'principal_not_found', 'last_admin', 'storage_full', 'unavailable'],
  },
  ban: {
    summary: 'Ban a principal: whatever comes in its name is refused from now on',
    tag: 'access',
    needs: [['principal:{principal}:manage']],
    names: { name: 'principal' },
    errors: ['invalid_request', 'last_admin', 'storage_full', 'unavailable'],
  },
  unban: {
    summary: 'Take a ban back',
    tag: 'access',
    needs: [['principal:{principal}:manage']],
    names: { name: 'principal' },
    errors: ['invalid_request', 'principal_not_found', 'storage_full', 'unavailable'],
  },
  whoAmI: {
    summary: 'Who the caller is, and what the caller may',
    tag: 'access',
    needs: [],
    errors: [],
  },
  explainAccess: {
    summary: 'Whether a principal may an action, and why; of others than the caller with principal:<principal>:read',
    tag: 'access',
    needs: [],
    errors: ['invalid_request', 'principal_not_found'],
  },
  readAudit: {
    summary: 'Who did what, allowed or denied: the oldest first, of the last day unless "since" says otherwise',
    tag: 'access',
    needs: [['audit:read']],
    errors: ['invalid_request', 'unavailable'],
  },
  createWebhook: {
    summary: 'Send events to an address from now on; the answer shows the secret of the signatures, once',
    tag: 'webhooks',
    needs: [[webhookMaking]],
    errors: ['invalid_request', 'storage_full', 'unavailable'],
  },
  showWebhook: {
    summary: 'Show a webhook',
    tag: 'webhooks',
    needs: [['webhook:{webhook}:read']],
    names: { id: 'webhook' },
    errors: ['invalid_request', 'webhook_not_found', 'unavailable'],
  },
  deleteWebhook: {
    summary: 'Remove a webhook: what was not delivered yet is not delivered any more',
    tag: 'webhooks',
    needs: [['webhook:{webhook}:manage']],
    names: { id: 'webhook' },
    errors: ['invalid_request', 'webhook_not_found', 'storage_full', 'unavailable'],
  },
  listWebhooks: {
    summary: 'List webhooks, the oldest first',
    tag: 'webhooks',
    needs: [['webhook:{webhook}:read']],
    errors: ['unavailable'],
  },
  testWebhook: {
    summary: 'Send a webhook.test now, once, and answer with what came of it',
    tag: 'webhooks',
    needs: [['webhook:{webhook}:manage']],
    names: { id: 'webhook' },
    errors: ['invalid_request', 'webhook_not_found', 'unavailable'],
  },
  listDeliveries: {
    summary: 'Deliveries of webhooks of the last 7 days, the latest first, each with its last attempt',
    tag: 'webhooks',
    needs: [['webhook:{webhook}:read']],
    errors: ['invalid_request', 'unavailable'],
  },
  createSession: sessionWrite('Start a session, or with "instance" find the one that is there', startsSession, [
    'invalid_request',
    'agent_not_found',
    'session_ended',
    'body_too_large',
    'timed_out',
  ]),
  /** Asked by no request: what a turn may call for the sender of its message (tools.permitted). */
  callTool: {
    summary:
      'Have a tool called by a turn that one began; otherwise the model is told why it is not, and so is the person',
    tag: 'sessions',
    needs: [['workflow:agents:agent_chat:task:{tool}:execute']],
    errors: [],
  },
  sendMessage: sessionWrite('Send a message', startsSession, [
    'invalid_request',
    'session_not_found',
    'session_ended',
    'session_busy',
    'body_too_large',
    'timed_out',
  ]),
  cancel: control('Cancel the turn, and every message that was accepted before'),
  pause: control('Pause: nothing new is started until it is resumed'),
  resume: { ...control('Resume a paused session'), needs: startsSession },
  release: control('Release a quarantined session'),
  end: control('End the session for good'),
  compact: control('Compact the context: the model is sent a summary of what came before the newest messages'),
  restore: control('Undo the latest compaction of the context'),
  forkSession: {
    ...control('Fork a session: a new one goes on behind a frame of it, with another message or the same'),
    needs: forksSession,
    errors: [
      ...(['invalid_request', 'session_not_found', 'session_conflict', 'body_too_large', 'timed_out'] as const),
      ...(['agent_not_found', 'invalid_agent'] as const),
      ...appendErrors,
    ],
  },
  eraseSession: sessionWrite(
    'Erase a session that has ended, and all below it: nothing of what was said in it is left',
    [['session:{agent}:erase']],
    ['session_not_found', 'session_conflict', 'not_supported'],
  ),
  upgradeSession: {
    ...control('Let a session go on with the version that its agent has now; with dry_run, say what that changes'),
    errors: [
      ...(['invalid_request', 'session_not_found', 'session_ended', 'session_conflict'] as const),
      ...(['agent_not_found', 'invalid_agent'] as const),
      ...appendErrors,
    ],
  },
  raiseBudget: {
    ...control('Raise the budget of a session; where its latest turn has ended for it, the session goes on'),
    needs: [['budget:raise'], ['budget:raise:{agent}']],
    errors: [
      ...(['invalid_request', 'session_not_found', 'session_ended', 'session_conflict'] as const),
      ...appendErrors,
    ],
  },
  reportUsage: {
    summary: 'What sessions have used, and what it cost: by session, tree, turn, agent, principal, model or day',
    tag: 'usage',
    needs: [['usage:{agent}:read'], ...readsSession],
    errors: ['invalid_request', 'unavailable'],
  },
  listApprovals: waitRead('List calls that wait for people, the latest first; with state also those that waited', [
    'invalid_request',
    'unavailable',
  ]),
  decideApproval: waitAnswer('Decide about a call that waits: approve it, edit its arguments, or deny it', decides, [
    ...(['invalid_request', 'session_not_found', 'approval_not_found', 'approval_decided'] as const),
    ...(['approval_expired', 'approval_changed', 'body_too_large'] as const),
  ]),
  listGrants: waitRead('The grants of a session: what needs no further approval there', [
    'session_not_found',
    'unavailable',
  ]),
  revokeGrants: waitAnswer('Revoke a grant of a session, or all of them', decides, [
    'invalid_request',
    'session_not_found',
    'grant_not_found',
  ]),
  listAllElicitations: waitRead(
    'List what servers ask people in the middle of calls, the latest first; with state also what they asked before',
    ['invalid_request', 'unavailable'],
  ),
  listElicitations: waitRead('What servers ask people in the calls of a session that wait now', [
    'session_not_found',
    'unavailable',
  ]),
  answerElicitation: waitAnswer(
    'Answer what a server asks in the middle of a call: accept, decline or cancel',
    [...decides, ...startsSession],
    [
      ...(['invalid_request', 'session_not_found', 'elicitation_not_found'] as const),
      ...(['elicitation_answered', 'elicitation_expired', 'body_too_large'] as const),
    ],
  ),
  listSessions: sessionRead('List sessions, the latest first', ['invalid_request', 'unavailable']),
  startRun: {
    summary: 'Start a run of a workflow; it is accepted once it is stored',
    tag: 'runs',
    needs: [['workflow:{workflow}:run']],
    errors: ['invalid_request', 'workflow_not_found', 'body_too_large', 'timed_out', ...appendErrors],
    appends: true,
  },
  showRun: {
    summary: 'Show a run: where it stands, what it waits for, what it came to',
    tag: 'runs',
    needs: [['workflow:{workflow}:read'], ...readsSession],
    names: ofSession,
    errors: ['run_not_found', 'session_not_found', 'timed_out', 'unavailable'],
  },
  listRuns: {
    summary: 'List runs, the latest first',
    tag: 'runs',
    needs: readsSession,
    errors: ['invalid_request', 'unavailable'],
  },
  deliverToRun: {
    summary: 'Give a run an event that it waits for, or the input of a pause',
    tag: 'runs',
    needs: [['workflow:{workflow}:run']],
    names: ofSession,
    errors: [
      ...(['invalid_request', 'run_not_found', 'session_not_found', 'session_ended'] as const),
      ...(['session_conflict', 'body_too_large'] as const),
      ...appendErrors,
    ],
    appends: true,
  },
  showSession: sessionRead('Show a session, from its stream', ['session_not_found', 'unavailable']),
  showTree: sessionRead(
    'The tree of a delegation: each session of it, how it stands, what it waits for, and what its branch used',
    ['session_not_found', 'unavailable'],
  ),
  showStop: sessionRead(
    'What the latest cancel, or the pause of the tree, has come to: which sessions it reached, and what had run',
    ['invalid_request', 'session_not_found', 'unavailable'],
  ),
  showState: sessionRead('The folded state at any event', ['session_not_found', 'invalid_cursor', 'unavailable']),
  readEvents: sessionRead(
    'Events: a JSON page, or by Accept a stream (SSE, NDJSON) of history and then of what comes',
    ['invalid_request', 'session_not_found', 'invalid_cursor', 'too_many_streams', 'unavailable'],
  ),
  readFrames: sessionRead(
    'The frames as the log has them, with their hashes: for audits, which re-check the chain themselves',
    ['invalid_request', 'session_not_found', 'unavailable'],
  ),
  readOutput: sessionRead('A whole output that a tool made and whose answer holds a part of it, for 7 days; in pages', [
    'invalid_request',
    'session_not_found',
    'output_not_found',
    'unavailable',
  ]),
  readPrompt: sessionRead('What the model was sent in a call, made again from the log and held against its digest', [
    'invalid_request',
    'session_not_found',
    'call_not_found',
    'unavailable',
  ]),
  openSocket: sessionRead(
    'A WebSocket: StreamItems from the server, SocketCommands from the client, a reply for each',
    ['invalid_request', 'invalid_cursor', 'session_not_found', 'too_many_streams'],
  ),
  listPools: {
    summary: 'Pools: what waits in them, and who serves them',
    tag: 'pools',
    needs: [['pools:read']],
    errors: ['unavailable'],
  },
  readMetrics: {
    summary: 'Metrics in the text form of Prometheus',
    tag: 'operations',
    needs: [['metrics:read']],
    errors: [],
  },
  readHealth: { summary: 'What runs here, part by part; always 200', tag: 'operations', errors: [] },
  readReadiness: {
    summary: 'Whether this process can serve requests now: an append was taken within the last 10 s',
    tag: 'operations',
    errors: [],
  },
  signInConfig: { summary: 'How a program gets a token for this server', tag: 'access', errors: [] },
  protectedResource: {
    summary: 'The same in the form of RFC 9728; not_found where the server has no identity provider',
    tag: 'access',
    errors: ['not_found'],
  },
  welcome: { summary: 'A page that tells a person how to talk to an agent', tag: 'operations', errors: [] },
  describe: { summary: 'This description', tag: 'operations', errors: [] },
} as const satisfies Record<string, Operation>
