// What the pages of Flue state in passing, row by row, and where two sources contradict each other with what Reins chose: each row with the
// tests that prove it. `lacks`: what of the row is not there, or is there under another name.
export interface Requirement {
  readonly says: string
  /** File, and a part of the title of a test in it. */
  readonly tests: readonly (readonly [file: string, title: string])[]
  readonly lacks?: string
}

const apps = 'e2e/projects/apps.int.test.ts'
const answering = 'e2e/projects/answering.int.test.ts'
const declared = 'e2e/projects/declared.int.test.ts'
const deploying = 'e2e/projects/deploying.int.test.ts'
const init = 'e2e/projects/init.int.test.ts'
const initializers = 'e2e/projects/initializers.int.test.ts'
const examples = 'e2e/flue/examples.int.test.ts'
const layouts = 'libs/project/test/flue-layouts.test.ts'
const tasks = 'libs/session/src/delegation/task.test.ts'
const created = 'libs/agent/src/authoring/created-agent.test.ts'
const discovery = 'libs/project/src/discovery/discover.test.ts'
const runs = 'e2e/kill/code/run.int.test.ts'
const operations = 'e2e/kill/code/operations.int.test.ts'
const given = 'e2e/projects/given.int.test.ts'
const givenKills = 'e2e/kill/code/given-tools.int.test.ts'
const ofCli = 'libs/cli/test/runs.test.ts'

export const requirements: Readonly<Record<string, Requirement>> = {
  F51: {
    says: 'the imports of Flue become @reins/agent, /node and /app, with the types of handlers and contexts',
    tests: [
      [layouts, 'a project of 0.9'],
      [layouts, 'a project of 1.0 beta'],
      [examples, 'an agent of one instruction answers over HTTP'],
    ],
  },
  F52: {
    says: 'app.ts exports any { fetch }, mounts flue() anywhere, and has routes of its own with raw bodies',
    tests: [
      [apps, 'answers its own routes, with bodies of any size'],
      [apps, 'takes no address of the gateway'],
      [apps, 'has the rest of the addresses'],
      ['services/session-gateway/src/doors/apps/projects-here.test.ts', 'is of the project that the operator names'],
      [examples, 'dispatch from a webhook gives a receipt'],
    ],
  },
  F53: {
    says: 'middleware has the real Hono context; neither an answer nor next() is a named error',
    tests: [
      ['libs/agent/src/app/serve-project.test.ts', 'are told that they gave no answer'],
      ['libs/agent/src/app/serve-project.test.ts', 'a middleware that calls next twice'],
      [apps, 'is refused before the upgrade where the middleware refuses'],
    ],
  },
  F54: {
    says: 'Authorization is the application’s; no route is closed; the middleware may name a principal',
    tests: [
      [examples, 'tools of one ticket, behind the application’s own access control'],
      [apps, 'takes a name for whoever asks from its middleware'],
    ],
  },
  F55: {
    says: 'without route no HTTP, without websocket no upgrade; still dispatched to, connected to and run',
    tests: [
      [examples, 'an agent without a route is closed over HTTP'],
      [answering, 'is reached from a terminal without its routes'],
    ],
  },
  F56: {
    says: 'a model alone is an agent; the list of fields is closed',
    tests: [
      [created, 'needs nothing but a model'],
      [created, 'says what is wrong with %s'],
      ['libs/project/src/discovery/describe-project.test.ts', 'a build names a field that an initializer returns'],
    ],
  },
  F57: {
    says: 'scalars of the agent replace those of its profile, lists are added',
    tests: [
      [created, 'lets the agent replace the scalars of its profile'],
      [examples, 'a profile is the whole of an agent'],
    ],
  },
  F58: {
    says: 'profiles have names such as policy_researcher, and no public endpoint',
    tests: [[examples, 'a subagent answers for its parent, and has no address']],
  },
  F59: {
    says: 'the model hands focused work to subagents, and to fresh contexts of its own, by the built-in tool task',
    tests: [
      [examples, 'a subagent answers for its parent'],
      [examples, 'the tool task hands work to a subagent'],
      [tasks, 'makes the child of a delegation'],
      [tasks, 'may work in a place of the folder of its session'],
    ],
    lacks: 'a cwd for an agent with local() that names no folder itself: that is refused',
  },
  F60: {
    says: 'an instance id is any segment that is not blank, percent-decoded',
    tests: [[apps, 'takes any id that is not blank, percent-decoded']],
  },
  F61: {
    says: 'tools are closures over the id, run in the code host, and reach no other instance; cwd with local() is a folder',
    tests: [
      [initializers, 'has its own id, and what the initializer gave'],
      [examples, 'tools of one ticket'],
      [examples, 'a reviewer has a folder of the machine'],
    ],
  },
  F62: {
    says: 'channels are discovered, checked and served',
    tests: [
      [apps, 'has channels, whose handlers see the raw body'],
      ['libs/project/src/bundling/build-project.test.ts', 'routes of a channel, each by what is wrong'],
      [examples, 'a channel takes what a chat sends'],
    ],
  },
  F63: {
    says: 'db.ts and cloudflare.ts are named as not used',
    tests: [
      [discovery, 'that another program would read are named as not used'],
      [examples, 'the build lists what it has found'],
    ],
  },
  F64: {
    says: 'the source root is the first of .flue, src and the folder itself; never .reins',
    tests: [[discovery, 'is %s when that is the first there is']],
  },
  F65: {
    says: 'the build lists what it found before it bundles, and writes a manifest with transports',
    tests: [
      [deploying, 'is built to one file with a manifest, after what was discovered is listed'],
      [examples, 'the build lists what it has found'],
    ],
  },
  F66: {
    says: 'a description export is shown in lists',
    tests: [
      [layouts, 'a project of 0.9'],
      [ofCli, 'shows agents of projects beside those in YAML'],
    ],
  },
  F67: {
    says: 'ctx.id, ctx.payload, ctx.env, ctx.req (absent in a replay whose gateway has ended) and ctx.log',
    tests: [
      ['e2e/kill/code/request.int.test.ts', 'is there in each replay'],
      ['e2e/kill/code/request.int.test.ts', 'is gone with its gateway'],
      [examples, 'a workflow logs and returns'],
      [runs, 'another one goes on, and nothing is asked or done twice'],
      ['libs/code-host/src/host/replay/replay.test.ts', 'writes a line of the log once'],
    ],
  },
  F68: {
    says: 'env holds what the project declares; .env counts in dev only',
    tests: [
      [declared, 'is given to tools and workflows, and its secrets are never recorded'],
      ['libs/cli/src/projects/dev-values.test.ts', 'what the project declares is set from .env'],
    ],
  },
  F69: {
    says: 'harness.session and session.prompt with result, tools, model, thinkingLevel and images',
    tests: [
      [runs, 'another one goes on, and nothing is asked or done twice'],
      [
        'libs/code-host/src/host/harness/prompt-options.test.ts',
        'a prompt says which model and which effort answer it',
      ],
      [examples, 'is given data of a Valibot schema'],
      [answering, 'has agents that its workflows make in their own files'],
      ['libs/models/test/result-media.test.ts', 'shows them to each provider in its own form'],
      [given, 'are closures over the run, offered with that prompt alone'],
      [given, 'gives tools, skills and subagents beside those of the agent'],
      [givenKills, 'leaves one that is safe to another process'],
      [answering, 'has agents that are shown the images of messages'],
    ],
  },
  F70: {
    says: 'run ids are run_<ulid>, and every door takes the id of the session too',
    tests: [
      [examples, 'a workflow logs and returns, under an id that begins with run_'],
      [answering, 'is reached from a terminal without its routes'],
    ],
  },
  F71: {
    says: 'a run pauses with an output, and goes on with an input',
    tests: [
      [runs, 'another one goes on, and nothing is asked or done twice'],
      [operations, 'its executor when a replay has ended'],
      [ofCli, 'reins deliver gives a pause its input'],
    ],
  },
  F72: {
    says: 'createAgent gives a frozen marker, also over two copies of the package; plain objects are refused',
    tests: [
      [created, 'gives a frozen marker that is known by a registered symbol'],
      [deploying, 'with mistakes is refused with the module and the fix'],
    ],
  },
  F73: {
    says: 'init makes an agent, and tests that pass',
    tests: [
      [init, 'makes a project whose tests pass, and which can be built'],
      [init, 'overwrites nothing'],
    ],
  },
  F74: {
    says: 'dispatch by value or by name, any JSON, a plain receipt, durable and once for one key',
    tests: [
      [apps, 'gives a receipt when the input is durable, once for one key'],
      [apps, 'refuses what is no JSON'],
      [examples, 'dispatch from a webhook gives a receipt'],
      [operations, 'its executor when a step has ended'],
    ],
  },
  F75: {
    says: 'a SKILL.md is imported, with the attribute and without, in builds and under plain Node',
    tests: [
      ['libs/project/src/bundling/build-project.test.ts', 'has skills and Markdown in it, with attributes and without'],
      [init, 'a skill is loaded by plain Node'],
      [examples, 'a skill is imported, and asked for by what was imported'],
    ],
  },
  K1: {
    says: 'approval_mode never turns tools off',
    tests: [['e2e/serving/plain-cases.ts', 'why tools are never called is said: they are off']],
  },
  K2: {
    says: 'the source root is no data folder: .reins is never one',
    tests: [[discovery, 'is %s when that is the first there is']],
  },
  K3: {
    says: 'sessions is no agent’s name: GET /agents/sessions is a list',
    tests: [[discovery, 'of %s']],
  },
  K4: {
    says: 'agents in YAML and of projects have one namespace, and the message names the kind',
    tests: [
      [deploying, 'has no agent that is there already, as YAML or in another project'],
      [answering, 'is reached from a terminal without its routes'],
      ['services/registry/src/projects/projects.test.ts', 'of an agent in YAML that comes while a project is written'],
    ],
  },
  K5: {
    says: 'code agents and workflows may have underscores and dots in their names',
    tests: [[discovery, 'are files of code that lie flat in their folders']],
  },
  K6: {
    says: 'the application’s Authorization on its routes, the bearer of Reins on /v1',
    tests: [
      [examples, 'tools of one ticket, behind the application’s own access control'],
      [
        'services/session-gateway/test/wrong-tokens.int.test.ts',
        'that are not known and that were revoked are answered alike',
      ],
    ],
  },
  K7: {
    says: 'delegate and task are reserved, and make one kind of child session',
    tests: [
      [created, 'says what is wrong with %s'],
      [examples, 'a subagent answers for its parent'],
      [runs, 'says why it failed'],
      [tasks, 'is task for the agents of its own code, and delegate for those that others lead'],
    ],
  },
  K8: {
    says: 'instructions are optional in code',
    tests: [[created, 'needs nothing but a model']],
  },
  K9: {
    says: 'the session of (agent, instance, name) has an id that follows from them',
    tests: [
      [examples, 'a message may name a session'],
      [apps, 'that the session is the one that the client knows'],
    ],
  },
  K10: {
    says: 'three dialects of events over one log, with its cursor',
    tests: [
      [apps, 'streams its events, and ends with the result'],
      ['services/session-gateway/test/streams.int.test.ts', 'goes on behind any cursor'],
      ['e2e/serving/serving.test.ts', 'a new session tells its id first'],
    ],
  },
  K11: {
    says: 'a POST to an agent answers with the result, one to a workflow with 202; Accept and ?wait=result say otherwise',
    tests: [
      [apps, 'answers a message with the result'],
      [apps, 'answers with a receipt where the client does not wait'],
      [apps, 'answers with its result where the client waits for it'],
      [examples, 'a workflow logs and returns'],
    ],
  },
  K12: {
    says: 'errors of the routes carry code and type',
    tests: [[apps, 'refuses the body %s, and says why']],
  },
  K13: {
    says: 'runs, chats and delegated workflows have permissions of one grammar',
    tests: [
      ['libs/contracts/src/access/permissions.test.ts', 'is covered as the grammar says'],
      ['services/session-gateway/test/bad-input.int.test.ts', 'a token does what its permissions say'],
    ],
  },
  K14: {
    says: 'a workflow that an agent delegates to may pause, and goes on later',
    tests: [['e2e/examples/sub-agents.int.test.ts', 'sub_agents_workflow']],
  },
  K15: {
    says: 'Reins listens on loopback, and has no open mode: a deviation',
    tests: [
      ['services/session-gateway/test/bad-input.int.test.ts', 'on loopback only under a loopback name'],
      ['e2e/serving/serving.test.ts', 'a request without a token is refused'],
    ],
  },
  K16: {
    says: 'examples of the harness in TypeScript, under their names',
    tests: [
      ['e2e/examples/custom-tools.int.test.ts', 'an order is found'],
      ['e2e/examples/sub-agents.int.test.ts', 'sub_agents_local'],
    ],
  },
  K17: {
    says: 'env is what the project declares, not that of the process',
    tests: [[declared, 'is given to tools and workflows, and its secrets are never recorded']],
  },
  K18: {
    says: 'no sandbox is the one in memory; local() with a cwd is a folder in the sandbox of Reins',
    tests: [
      [answering, 'has agents that work in memory where they name no sandbox'],
      [given, 'instruct the turns after the one that wrote them'],
      [created, 'works in a folder by local()'],
      [examples, 'a reviewer has a folder of the machine'],
    ],
  },
  K19: {
    says: 'an update keeps what it does not name',
    tests: [['libs/cli/test/commands.test.ts', 'update --file keeps what the file does not name']],
  },
  K20: {
    says: 'permissions have the names of the seed; older ones are mapped',
    tests: [['libs/contracts/src/access/permissions.test.ts', 'permissions of older tokens mean what they meant']],
  },
  K21: {
    says: 'the scope of a memory is optional, with a stated default',
    tests: [['libs/session/src/memory/memory.test.ts', 'a session whose start said nobody has a scope of its own']],
  },
  K22: {
    says: 'skills of a folder, by import and of the workspace are one catalogue',
    tests: [
      [answering, 'has agents that workflows lead, and skills of a folder'],
      [examples, 'a reviewer has a folder of the machine, an imported skill'],
      ['libs/session/src/workspace/workspace.test.ts', 'has the skill of its definition before one of the same name'],
    ],
  },
  K23: {
    says: 'a run is run_ and the id of its session',
    tests: [[examples, 'a workflow logs and returns, under an id that begins with run_']],
  },
  K24: {
    says: 'connect <agent> <id>: the second word is an id',
    tests: [
      [ofCli, 'goes on with the session that the instance has'],
      [examples, 'reached by dispatch and connect'],
    ],
  },
  K25: {
    says: 'a session is made with its first message; plain and api mode make it at their start',
    tests: [
      [ofCli, 'where the instance has said nothing yet, the first message makes it'],
      ['e2e/serving/plain-cases.ts', 'the lines of the harness, from the start to the id at the end'],
    ],
  },
}
