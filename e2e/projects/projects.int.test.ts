// Projects through a whole product: built on this machine, deployed, rolled back, refused and deleted, by the real command.
import { execFile, spawn } from 'node:child_process'
import { randomInt } from 'node:crypto'
import { once } from 'node:events'
import { mkdirSync, readFileSync, writeFileSync } from 'node:fs'
import { createServer } from 'node:net'
import path from 'node:path'
import { fileURLToPath } from 'node:url'
import { promisify } from 'node:util'
import { instanceSessionId, type SessionEvent } from '@reins/contracts'
import { openDataDir } from '@reins/local'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { Product } from '../bad-input/product.ts'
import { bundledBinary } from '../../scripts/bundle.ts'
import { bundledCode } from '../harness/bundled-code.ts'
import { madeCluster } from '../../deploy/local/test/made-cluster.ts'
import { compileCache, home, searchPath } from '../harness/config.ts'
import { eventually } from '../harness/eventually.ts'
import { type RecordingModel, recordingModel } from './recording-model.ts'

const root = fileURLToPath(new URL('../..', import.meta.url))

let product: Product
let seeing: RecordingModel
beforeAll(async () => {
  seeing = await recordingModel('a cat')
  product = await Product.start({ ANTHROPIC_BASE_URL: seeing.url })
}, 120_000)
afterAll(async () => {
  await product?.close()
  await seeing?.close()
})

type Files = Readonly<Record<string, string>>

/** One that was free a moment ago, and that no connection of this machine is given by itself. */
async function freePort(): Promise<number> {
  for (;;) {
    const port = 20_000 + randomInt(10_000)
    const server = createServer()
    const free = await new Promise<boolean>((resolve) => {
      server.once('error', () => resolve(false))
      server.listen(port, '127.0.0.1', () => resolve(true))
    })
    await new Promise((resolve) => server.close(resolve))
    if (free) return port
  }
}

function write(name: string, files: Files): string {
  const folder = path.join(product.folder, name)
  for (const [file, text] of Object.entries(files)) {
    mkdirSync(path.dirname(path.join(folder, file)), { recursive: true })
    writeFileSync(path.join(folder, file), text)
  }
  return folder
}

const agent = (model: string, more = '') => `
  ${more}
  const mark = Symbol.for('reins.agent')
  export default Object.freeze({ [mark]: { version: 1 }, initialize: () => ({ model: '${model}' }) })
`

describe('a project', () => {
  test('is built to one file with a manifest, after what was discovered is listed', async () => {
    const folder = write('support', {
      'package.json': '{ "name": "@acme/support", "type": "module" }',
      'src/agents/ticket.ts': agent(
        'scripted/assistant',
        'export const route = (_: unknown, next: () => unknown) => next()',
      ),
      'src/workflows/report.ts': 'export async function run() { return 1 }',
      'src/db.ts': 'export default {}',
    })
    const { code, out, err } = await product.cli('build', folder)
    expect([code, err]).toEqual([0, ''])
    const order = [
      'Source root: src',
      'ticket  (src/agents/ticket.ts)',
      'report  (src/workflows/report.ts)',
      'Not used: src/db.ts',
      'Built ',
    ]
    const places = order.map((text) => out.indexOf(text))
    expect(places).toEqual(places.toSorted((a, b) => a - b))
    expect(places).not.toContain(-1)
    const manifest = JSON.parse(readFileSync(path.join(folder, 'dist/manifest.json'), 'utf8'))
    expect(manifest).toMatchObject({
      name: 'support',
      sourceRoot: 'src',
      agents: [{ name: 'ticket', route: true, websocket: false, file: 'src/agents/ticket.ts' }],
      workflows: [{ name: 'report', route: false }],
    })
  })

  test('is deployed, deployed again, and rolled back', async () => {
    const folder = path.join(product.folder, 'support')
    expect((await product.cli('deploy', folder)).out).toContain('Deployed the project support (version 1)')
    expect((await product.cli('deploy', folder)).out).toContain('at this build already (version 1)')
    const [first] = (await product.ask('GET', '/v1/projects')).json.projects
    expect(first).toMatchObject({
      name: 'support',
      version: 1,
      previous: [],
      manifest: { agents: [{ name: 'ticket' }] },
    })

    write('support', { 'src/agents/second.ts': agent('scripted/other') })
    expect((await product.cli('deploy', folder)).out).toContain('Deployed version 2 of the project support')
    expect((await product.cli('rollback', 'support')).out).toContain(
      'went from version 2 back to the build of version 1, which is version 3 now.',
    )
    const { project } = (await product.ask('GET', '/v1/projects/support')).json
    expect(project).toMatchObject({ version: 3, digest: first.digest, previous: [{ version: 2 }] })
    expect((await product.cli('rollback', 'support', '--to', '1')).err).toContain('keeps no version 1')
  })

  test('that was built elsewhere is deployed as it is', async () => {
    const file = path.join(product.folder, 'support/dist/project.mjs')
    const { out } = await product.cli('deploy', '--built', file, '--name', 'support')
    expect(out).toContain('at this build already')
  })

  test('with mistakes is refused with the module and the fix, and nothing is changed', async () => {
    const wrong = { 'agents/bare.ts': "export default { model: 'a/b' }" }
    const folder = write('wrong', wrong)
    const message = 'agents/bare.ts: Agent "bare" must default-export createAgent(...). It exports a plain object'
    const built = await product.cli('build', folder)
    expect([built.code, built.err.includes(message)]).toEqual([1, true])
    const deployed = await product.cli('deploy', folder)
    expect([deployed.code, deployed.err.includes(message)]).toEqual([1, true])
    expect((await product.ask('GET', '/v1/projects/wrong')).json.error.code).toBe('project_not_found')
  })

  test('that throws while it is loaded is refused with the author’s line', async () => {
    const folder = write('thrown', { 'src/agents/a.ts': `\n\nthrow new Error('no luck')\n${agent('a/b')}` })
    expect((await product.cli('build', folder)).err).toContain(
      'src/agents/a.ts:3:7: The project cannot be loaded: no luck',
    )
    expect((await product.cli('deploy', folder)).err).toContain('cannot be loaded: no luck')
  })

  test('has no agent that is there already, as YAML or in another project', async () => {
    await product.agent('yaml-agent', product.workspace)
    const clash = await product.cli('deploy', write('clash', { 'agents/yaml-agent.ts': agent('a/b') }))
    expect(clash.err).toContain('agents/yaml-agent.ts: there is an agent yaml-agent already, which is defined in YAML')
    const other = await product.cli('deploy', write('other', { 'agents/ticket.ts': agent('a/b') }))
    expect(other.err).toContain('agents/ticket.ts: the project support has an agent ticket already')
    const put = await product.ask('PUT', '/v1/agents/ticket', {
      name: 'ticket',
      model: 'scripted/assistant',
      system_prompt: 'x',
    })
    expect([put.status, put.json.error.code]).toEqual([409, 'name_taken'])
  })

  test('is no file of tools, and tools are no project', async () => {
    const bundle = readFileSync(path.join(product.folder, 'support/dist/project.mjs'), 'utf8')
    const definition = { name: 'mixed', model: 'scripted/assistant', system_prompt: 'x', tools_file: './project.mjs' }
    const asTools = await product.ask('PUT', '/v1/agents/mixed', {
      definition,
      files: [{ file: './project.mjs', text: `${bundle}\n` }],
    })
    expect(asTools.json.error.message).toContain('is the bundle of a project: deploy it with reins deploy')
    const asProject = await product.ask('PUT', '/v1/projects/mixed', { bundle: 'export const x = 1' })
    expect(asProject.json.error.message).toContain('is no bundle of a project')
  })

  test('is deleted, and its names are free then', async () => {
    expect((await product.cli('project', 'delete', 'support')).out).toContain('Deleted the project support.')
    expect((await product.cli('deploy', path.join(product.folder, 'other'))).code).toBe(0)
    expect((await product.cli('project', 'list')).out).not.toContain('support')
  })
})

describe('reins init', () => {
  const folder = () => path.join(product.folder, 'fresh')
  test('makes a project whose tests pass, whose types are right, and which can be deployed', async () => {
    const made = await product.cli('init', folder(), '--workflow')
    expect([made.code, made.err]).toEqual([0, ''])
    mkdirSync(path.join(folder(), 'src/skills/review'), { recursive: true })
    write('fresh', {
      'src/skills/review/SKILL.md': '---\nname: review\ndescription: Reviews code.\n---\nLook at it.\n',
      'src/skills.test.ts': `
        import assert from 'node:assert/strict'
        import { test } from 'node:test'
        import { SkillCatalog } from '@reins/agent'
        import review from './skills/review/SKILL.md' with { type: 'skill' }
        import plain from './skills/review/SKILL.md'
        const all: readonly { readonly name: string }[] = SkillCatalog.fromDirectory('./skills')
        test('a skill is loaded by plain Node', () => {
          assert.deepEqual([review.name, plain.description, all[0]?.name], ['review', 'Reviews code.', 'review'])
        })`,
    })
    const tested = await product.cli('test', folder())
    expect([tested.code, tested.out]).toEqual([0, expect.stringContaining('pass 3')])
    expect((await product.cli('build', folder())).out).toContain('dist/client.d.ts')
    write('fresh', {
      'src/workflows/bill.ts': `
        import type { FlueContext } from '@reins/agent'
        export async function run({ payload }: FlueContext<{ readonly tickets: readonly number[] }>) {
          return { sum: payload.tickets.length, at: new Date(0) }
        }`,
      'src/client.ts': `
        import { createClient, projectClient } from '@reins/client'
        import type { Project } from '../dist/client.d.ts'
        const fresh = projectClient<Project>(createClient({ baseUrl: 'http://127.0.0.1:7420' }))
        export async function calls(): Promise<readonly [number | undefined, string | undefined, string]> {
          const { result } = await fresh.run('bill', { tickets: [1, 2] })
          const { content } = await fresh.prompt({ agent: 'helper', id: 'ann', message: 'Hi' })
          return [result?.sum, result?.at, content]
        }
        export const wrong = [
          // @ts-expect-error a payload of another form
          () => fresh.run('bill', { tickets: 'all' }),
          // @ts-expect-error a workflow that is not there
          () => fresh.run('bills', { tickets: [] }),
          // @ts-expect-error an agent that is not there
          () => fresh.dispatch({ agent: 'nobody', id: 'ann', input: 1 }),
        ]`,
    })
    expect((await product.cli('build', folder())).code).toBe(0)
    const types = await promisify(execFile)(process.execPath, [
      ...[path.join(root, 'node_modules/typescript/bin/tsc'), '-p', folder()],
      ...['--typeRoots', path.join(root, 'node_modules/@types')],
    ]).catch((error) => error)
    expect(types.stdout).toBe('')
    expect((await product.cli('deploy', folder())).out).toContain('Deployed the project fresh (version 1)')
    const { manifest } = (await product.ask('GET', '/v1/projects/fresh')).json.project
    const workflows = manifest.workflows.map((one: { name: string }) => one.name)
    expect([manifest.agents[0].description, workflows]).toEqual([
      'Answers questions, and knows what day it is.',
      ['bill', 'report'],
    ])
  })
  test('overwrites nothing', async () => {
    const { code, err } = await product.cli('init', folder())
    expect([code, err]).toEqual([1, expect.stringContaining('There is a project already, and nothing was written.')])
  })
})

/** Once so many are there: what the session was sent, and by whom. */
const messagesOf = (session: string, count: number) =>
  eventually(async () => {
    const { status, json } = await product.ask('GET', `/v1/sessions/${session}/frames`)
    if (status !== 200) return undefined
    const frames = json.frames as readonly { readonly by: string; readonly events: string }[]
    const found = frames.flatMap(({ by, events }) =>
      (JSON.parse(events) as readonly SessionEvent[]).flatMap((event) =>
        event.type === 'message.received' ? [{ by, message: event.data.message }] : [],
      ),
    )
    return found.length < count ? undefined : found
  })

describe('a deployed project', () => {
  test('answers: an agent by its route, with tools of each instance, and a workflow that prompts agents', async () => {
    const folder = write('desk', {
      'src/agents/desk.ts': `
        import { createAgent, defineTool, dispatch, Type } from '@reins/agent'
        export const route = async (_c: unknown, next: () => Promise<void>) => next()
        export default createAgent(({ id }) => ({
          model: 'scripted/assistant',
          instructions: 'Answer for ' + id,
          tools: [
            defineTool({
              name: 'who', description: 'Tells whose desk this is.', parameters: Type.Object({}), risk: 'read',
              execute: () => 'the desk of ' + id,
            }),
            defineTool({
              name: 'pass_on', description: 'Gives work to the next desk.', parameters: Type.Object({}), risk: 'read',
              execute: () => dispatch({ agent: 'desk', id: 'after-' + id, input: 'say passed on' }),
            }),
          ],
        }))`,
      'src/workflows/ask.ts': `
        import { dispatch } from '@reins/agent'
        import desk from '../agents/desk.ts'
        export const route = async (_c: unknown, next: () => Promise<void>) => next()
        export async function run(ctx: any) {
          const { dispatchId } = await dispatch(desk, { id: 'of-' + ctx.id, input: { wish: 'tea' } })
          const inside = await ctx.step('two', () => Promise.all(['a', 'b'].map((wish) => dispatch(desk, { id: 'of-' + ctx.id, input: wish }))))
          const refused = await dispatch({ agent: 'nobody', id: 'x', input: 1 }).catch((error: Error) => error.message)
          ctx.log.info('adding', { more: ctx.payload.more })
          const sum = await ctx.step('sum', () => 40 + ctx.payload.more)
          const session = await (await ctx.init('desk')).session()
          const { text } = await session.prompt('call who {}')
          return { sum, text, own: text.includes(ctx.id), sent: [dispatchId, ...inside.map((one: any) => one.dispatchId)], refused }
        }`,
    })
    expect((await product.cli('deploy', folder)).out).toContain('Deployed the project desk (version 1)')
    const said = async (id: string) => {
      const { status, json } = await product.ask('POST', `/agents/desk/${id}`, { message: 'call who {}' })
      return [status, json.result?.text ?? json]
    }
    expect(await said('ann')).toEqual([200, expect.stringContaining('the desk of ann')])
    expect(await said('bob')).toEqual([200, expect.stringContaining('the desk of bob')])
    const { json } = await product.ask('POST', '/workflows/ask?wait=result', { more: 2 })
    const refused = 'The token of app:desk has no permission agent:nobody:start'
    expect(json).toMatchObject({ result: { sum: 42, own: true, refused: expect.stringContaining(refused) } })
    const given = await messagesOf(instanceSessionId('desk', `of-${json.runId}`, 'default'), 3)
    expect(given.map(({ message }) => message).sort()).toEqual(json.result.sent.toSorted())
    expect(given[0]?.by).toBe('app:desk')
  })

  test('lets a tool give work to another instance, and answers without waiting for it', async () => {
    const { json } = await product.ask('POST', '/agents/desk/eli', { message: 'call pass_on {}' })
    expect(json.result?.text).toContain('dispatchId')
    const [given] = await messagesOf(instanceSessionId('desk', 'after-eli', 'default'), 1)
    expect(json.result.text).toContain(given?.message)
  })

  test('has agents that workflows lead, and skills of a folder; a workflow delegates through them', async () => {
    const shipping = `
      export default async function agent_chat(ctx) {
        const { message } = await ctx.pause({ content: 'Ready.', turn: 0 })
        await ctx.pause({ content: 'shipped ' + message, turn: 1 })
      }`
    const definition = { name: 'ship', model: 'scripted/assistant', system_prompt: 'x', workflow_file: './ship.ts' }
    const files = [{ file: './ship.ts', text: bundledCode(shipping, 'ship.ts') }]
    expect((await product.ask('PUT', '/v1/agents/ship', { definition, files })).status).toBeLessThan(300)
    const manager = (workflow: string) => `
      import { createAgent, SkillCatalog, workflowAgent } from '@reins/agent'
      export default createAgent(() => ({
        model: 'scripted/assistant',
        skills: SkillCatalog.fromDirectory('../skills'),
        subagents: [{ name: 'helper', description: 'Delegate what is small.', instructions: 'Be brief.' }],
        agents: [workflowAgent({ name: 'deployer', description: 'Delegate to deploy.', workflow: '${workflow}' })],
      }))`
    const folder = write('managed', {
      'src/agents/manager.ts': manager('ship'),
      'src/agents/lost.ts': manager('shop'),
      'src/skills/review/SKILL.md': '---\nname: review\ndescription: Reviews code.\n---\nLook at it closely.\n',
      'src/workflows/release.ts': `
        export async function run(ctx: any) {
          const session = await (await ctx.init('manager')).session()
          const { text } = await session.prompt('call delegate {"agent": "deployer", "instruction": "v2"}')
          const skill = await session.tool('use_skill', { name: 'review' })
          return { text, skill: skill.output }
        }`,
    })
    const deployed = await product.cli('deploy', folder, '--name', 'managed')
    expect([deployed.code, deployed.err]).toEqual([0, ''])
    const ran = await product.cli('run', 'release')
    expect([ran.code, JSON.parse(ran.out)]).toMatchObject([
      0,
      { text: expect.stringContaining('shipped v2'), skill: expect.stringContaining('Look at it closely.') },
    ])
    const lost = await product.cli('connect', 'lost', '-m', 'hi')
    expect(lost.err).toContain('names the workflow "shop", which is not there; did you mean "ship"?')
  })

  test('has agents that its workflows lead: a delegation begins a run, is told of its pause, and goes on with it', async () => {
    const folder = write('led', {
      'src/agents/lead.ts': `
        import { createAgent, workflowAgent } from '@reins/agent'
        const pipeline = (name: string) => workflowAgent({ name, description: 'Delegate to deploy.', workflow: 'pipeline' })
        export default createAgent(() => ({ model: 'scripted/assistant', agents: [pipeline('deployer'), pipeline('failing')] }))`,
      'src/workflows/pipeline.ts': `
        import { createAgent, type FlueContext } from '@reins/agent'
        const checker = createAgent(() => ({ model: 'scripted/assistant' }))
        export async function run(ctx: FlueContext) {
          if (!ctx.payload.version) throw new Error('No version: ' + ctx.payload.instruction)
          const { text } = await (await (await ctx.init(checker)).session()).prompt('say checked ' + ctx.payload.version)
          const { approved, instruction } = await ctx.pause({ text })
          return { id: ctx.id, approved, instruction, version: ctx.payload.version }
        }`,
      'src/workflows/bounded.ts': `
        import { createAgent, type FlueContext } from '@reins/agent'
        const writer = createAgent(() => ({ model: 'scripted/assistant' }))
        export async function run(ctx: FlueContext) {
          const session = await (await ctx.init(writer)).session()
          const { text } = await session.prompt('say Hello.')
          const calls = []
          for (const word of ['a', 'b', 'c']) calls.push((await session.tool('shell', { command: 'echo ' + word })).status)
          return { calls, text }
        }`,
      'src/workflows/lead-all.ts': `
        export async function run(ctx: any) {
          const session = await (await ctx.init('lead')).session()
          const ask = async (args: object) => JSON.parse((await session.tool('delegate', args)).output)
          const paused = await ask({ agent: 'deployer', instruction: 'Deploy it.', input: '{"version": "v3"}' })
          const { execution_id } = paused
          const done = await ask({ agent: 'deployer', instruction: 'Go on.', input: '{"approved": true}', execution_id })
          const again = await ask({ agent: 'deployer', instruction: 'Once more.', execution_id })
          const failed = await ask({ agent: 'failing', instruction: 'Deploy something.' })
          return { paused, done, again, failed }
        }`,
    })
    const deployed = await product.cli('deploy', folder, '--name', 'led')
    expect([deployed.code, deployed.err]).toEqual([0, ''])
    const ran = await product.cli('run', 'lead-all')
    const { paused, done, again, failed } = JSON.parse(ran.out)
    expect(paused).toMatchObject({
      ...{ agent: 'deployer', status: 'paused', execution_id: expect.any(String) },
      output: { waits_for: 'input', output: { text: 'checked v3' } },
    })
    expect(done).toEqual({
      ...{ agent: 'deployer', status: 'completed' },
      output: { id: `run_${paused.execution_id}`, approved: true, instruction: 'Go on.', version: 'v3' },
    })
    expect([again.status, again.output]).toEqual(['failed', expect.stringContaining('has finished (completed)')])
    expect([failed.status, failed.output]).toEqual(['failed', expect.stringContaining('No version: Deploy something.')])
    const bounded = await product.cli('run', 'bounded', '--budget', 'tokens=400000,tool_calls=2')
    expect(JSON.parse(bounded.out)).toEqual({ calls: ['completed', 'completed', 'failed'], text: 'Hello.' })
    const { runId } = (await product.ask('GET', '/v1/runs?workflow=bounded')).json.runs[0]
    const { budget } = (await product.ask('GET', `/v1/sessions/${runId.slice(4)}`)).json
    expect(budget).toMatchObject({ tool_calls: { limit: 2, spent: 2, held: 0 }, tokens: { held: 0 } })
    expect(budget.tokens.spent).toBeGreaterThan(0)
    const poor = await product.cli('run', 'bounded', '--budget', 'tokens=10')
    expect([poor.code, poor.err]).toEqual([1, expect.stringContaining('budget')])
    const timed = await product.cli('run', 'bounded', '--budget', 'wall_time=5m')
    expect(timed.err).toContain('budget.wall_time')
    const shown = await product.ask('GET', `/v1/runs/run_${paused.execution_id}`)
    expect(shown.json).toMatchObject({ workflowName: 'pipeline', project: 'led', status: 'completed' })
  })

  test('has agents that its workflows make in their own files, which run commands and compact what they remember', async () => {
    const folder = write('inline', {
      'src/skills/review/SKILL.md': '---\nname: review\ndescription: Reviews code.\n---\nLook at it closely.\n',
      'src/agents/other.ts': agent('scripted/assistant'),
      'src/workflows/review.ts': `
        import { createAgent, defineTool, type FlueContext, Type } from '@reins/agent'
        import { local } from '@reins/agent/node'
        import review from '../skills/review/SKILL.md' with { type: 'skill' }
        const worker = createAgent(() => ({ model: 'scripted/assistant', sandbox: local() }))
        const free = createAgent(() => ({ model: false }))
        const seer = createAgent(() => ({ model: 'anthropic/claude-sonnet-4-5' }))
        const png = (size: number) => Buffer.concat([Buffer.from('89504e470d0a1a0a', 'hex'), Buffer.alloc(size, 7)])
        const image = (size: number, mimeType = 'image/png') => ({ type: 'image' as const, mimeType, data: png(size).toString('base64') })
        const reviewer = createAgent<{ who: string }>(({ id, payload }) => ({
          model: 'scripted/assistant',
          sandbox: false,
          skills: [review],
          tools: [
            defineTool({
              name: 'whose', description: 'Tells whose run this is.', parameters: Type.Object({}), risk: 'read',
              execute: () => payload.who + ' in ' + id,
            }),
          ],
        }))
        export async function run({ init, id }: FlueContext) {
          const session = await (await init(reviewer)).session()
          const { text } = await session.prompt('call whose {}')
          const skill = await session.tool('use_skill', { name: 'review' })
          const early = await (await (await init(reviewer, { name: 'early' })).session()).compact()
          for (const word of ['one', 'two', 'three']) await session.prompt('say ' + word.repeat(200))
          const compacted = await session.compact()
          const after = await session.prompt('say still here')
          const shell = await (await init(worker, { name: 'worker' })).session()
          const ran = await shell.shell('printf out; printf err >&2; exit 3')
          const inside = await shell.shell('mkdir -p "a b" && touch "a b/c"').then(() => shell.shell('ls', { cwd: 'a b' }))
          const refused = await session.shell('ls').catch((error: Error) => error.name)
          const said = async (text: string, options: object) => {
            const { model } = await session.prompt(text, options)
            return model
          }
          const models = [
            await said('say a', { model: 'scripted/echo', thinkingLevel: 'low' }), await said('say b', {}),
            await said('say c', { model: 'scripted/echo' }),
          ]
          const open = await (await init(free, { name: 'free' })).session()
          models.push((await open.prompt('say d', { model: 'scripted/echo' })).model)
          const unasked = await open.prompt('say e').catch((error: Error) => error.message)
          const sees = await (await init(seer, { name: 'seer' })).session()
          const seen = (await sees.prompt('What is this?', { images: [image(100), image(200_000)] })).text
          const unseen = await sees.prompt('And this?', { images: [image(9, 'image/gif')] }).catch((error: Error) => error.message)
          const unsaid = await session.prompt('say f', { cwd: 'sub' } as object).catch((error: Error) => error.message)
          const late = await init(createAgent(() => ({ model: 'scripted/assistant' })), { name: 'late' }).catch((error: Error) => error.message)
          return { text, skill: skill.output, early, compacted, after: after.text, ran, inside: inside.stdout, refused, late, id, models, unasked, seen, unseen, unsaid }
        }`,
    })
    expect((await product.cli('deploy', folder)).err).toBe('')
    const ran = await product.cli('run', 'review', '--payload', '{"who": "ann"}')
    expect([ran.code, ran.err]).toEqual([0, expect.not.stringContaining('failed')])
    const { id, ...result } = JSON.parse(ran.out)
    expect(result).toEqual({
      text: expect.stringContaining(`ann in ${id}`),
      skill: expect.stringContaining('Look at it closely.'),
      ...{ early: { compacted: false }, compacted: { compacted: true }, after: 'still here' },
      ran: { stdout: 'out', stderr: 'err', exitCode: 3 },
      ...{ inside: 'c\n', refused: 'ShellError' },
      models: ['scripted/echo', 'scripted/assistant', 'scripted/echo', 'scripted/echo'],
      unasked: expect.stringContaining('each prompt names its model'),
      ...{ seen: 'a cat', unseen: expect.stringContaining('its bytes are those of image/png') },
      unsaid: expect.stringContaining('make one with this cwd'),
      late: expect.stringContaining('call createAgent() at the top of the file'),
    })
    const shown = (size: number) => ({
      type: 'image',
      source: {
        ...{ type: 'base64', media_type: 'image/png' },
        data: Buffer.concat([Buffer.from('89504e470d0a1a0a', 'hex'), Buffer.alloc(size, 7)]).toString('base64'),
      },
    })
    expect(seeing.asked.map(({ messages }) => messages[0]?.content)).toEqual([
      [shown(100), shown(200_000), expect.objectContaining({ type: 'text', text: 'What is this?' })],
    ])
  })

  test('has agents that are shown the images of messages, over their routes and over /v1', async () => {
    const folder = write('looking', {
      'src/agents/looker.ts': `
        import { createAgent } from '@reins/agent'
        export const route = async (_c: unknown, next: () => Promise<void>) => next()
        export default createAgent(() => ({ model: 'anthropic/claude-sonnet-4-5', sandbox: false }))`,
      'src/workflows/blind.ts': 'export async function run() { return 1 }',
    })
    expect((await product.cli('deploy', folder)).err).toBe('')
    const png = (size: number) => Buffer.concat([Buffer.from('89504e470d0a1a0a', 'hex'), Buffer.alloc(size, 5)])
    const image = (size: number) => ({ type: 'image', mimeType: 'image/png', data: png(size).toString('base64') })
    const shown = (size: number) => ({
      type: 'image',
      source: { type: 'base64', media_type: 'image/png', data: png(size).toString('base64') },
    })
    const first = await product.ask('POST', '/agents/looker/1', { message: 'What is it?', images: [image(300_000)] })
    expect(first.json).toMatchObject({ result: { text: 'a cat' } })
    const id = instanceSessionId('looker', '1', 'default')
    const body = { content: 'And now?', images: [image(10)] }
    const second = await product.ask('POST', `/v1/sessions/${id}/messages?wait=turn`, body)
    expect(second.json).toMatchObject({ turn: { status: 'completed', content: 'a cat' } })
    const said = (text: string) => expect.objectContaining({ type: 'text', text })
    expect(seeing.asked.at(-1)?.messages.flatMap(({ content }) => content)).toEqual([
      ...[shown(300_000), said('What is it?'), said('a cat')],
      ...[shown(10), said('And now?')],
    ])
    const { run } = (await product.ask('POST', '/v1/runs?wait=result', { workflow: 'blind' })).json
    const told = await product.ask('POST', `/v1/sessions/${run.runId.slice(4)}/messages`, body)
    expect(told.json.error).toMatchObject({
      ...{ code: 'invalid_request', message: expect.stringContaining('it takes no images') },
    })
  })

  test('has agents that work in memory where they name no sandbox, with files and commands of their harness', async () => {
    const folder = write('memory', {
      'src/workflows/keep.ts': `
        import { createAgent, type FlueContext } from '@reins/agent'
        const keeper = createAgent(() => ({ model: 'scripted/assistant', cwd: 'desk' }))
        export async function run({ init }: FlueContext) {
          const harness = await init(keeper)
          await harness.fs.writeFile('notes/a.txt', 'first\\n')
          const session = await harness.session()
          await session.prompt('call edit_file {"path": "notes/a.txt", "old_string": "first", "new_string": "second"}')
          const ran = await harness.shell('cat notes/a.txt; printf "$WHO"; pwd', { env: { WHO: 'ann' }, timeoutMs: 5000 })
          const other = await harness.sessions.create('other')
          const apart = await other.fs.exists('notes')
          const again = await harness.sessions.create('other').catch((error: Error) => error.name)
          await harness.sessions.delete('other')
          const gone = await harness.sessions.get('other').catch((error: Error) => error.name)
          const stat = await session.fs.stat('notes/a.txt')
          return { ran, apart, again, gone, size: stat.size, listed: await harness.fs.readdir('notes'), late: await harness.shell('sleep 9', { timeoutMs: 50 }) }
        }`,
    })
    expect((await product.cli('deploy', folder)).err).toBe('')
    const ran = await product.cli('run', 'keep')
    expect([ran.code, JSON.parse(ran.out)]).toEqual([
      0,
      {
        ran: { stdout: 'second\nann/workspace/desk\n', stderr: '', exitCode: 0 },
        ...{
          apart: false,
          again: 'SessionAlreadyExistsError',
          gone: 'SessionNotFoundError',
          size: 7,
          listed: ['a.txt'],
        },
        late: { stdout: '', stderr: '', exitCode: 124 },
      },
    ])
  })

  test('is reached from a terminal without its routes: an instance, a run to its result, and what happened in it', async () => {
    const listed = (await product.ask('GET', '/v1/agents')).json.modules
    expect(listed.find(({ name }: { name: string }) => name === 'desk')).toMatchObject({
      kind: 'code',
      name: 'desk',
      project: 'desk',
      version: 1,
      route: true,
      websocket: false,
    })
    expect((await product.ask('GET', '/v1/agents/desk')).json.error.message).toContain(
      'is a module of the project desk',
    )
    const connected = await product.cli('connect', 'desk', 'eve', '-m', 'call who {}')
    expect([connected.code, connected.out]).toEqual([0, expect.stringContaining('the desk of eve')])
    const again = await product.cli('connect', 'desk', 'eve', '-m', 'say once more', '--json')
    const { session } = JSON.parse(again.out)
    expect((await product.ask('GET', `/v1/sessions/${session}`)).json).toMatchObject({ agent: 'desk', turns: 2 })

    const ran = await product.cli('run', 'ask', '--payload', '{"more": 2}')
    expect([ran.code, JSON.parse(ran.out)]).toMatchObject([0, { sum: 42, own: true }])
    const [, id = ''] = /The run (run_\w+) has begun/.exec(ran.err) ?? []
    const logged = await product.cli('logs', id, '--follow')
    expect([logged.code, logged.err]).toEqual([0, ''])
    for (const shown of [
      'run.invoked',
      'info adding {"more":2}',
      'run.step-ended',
      'run.prompted',
      'the desk of run_',
      'run.ended',
    ])
      expect(logged.out).toContain(shown)
    const failed = await product.cli('run', 'ask', '--quiet')
    expect([failed.code, failed.out]).toEqual([1, ''])
    expect(failed.err).toContain("Cannot read properties of undefined (reading 'more')")
  })

  test('configures its agent for each message, and records what it gave where that differs', async () => {
    const folder = write('clock', {
      'src/agents/clock.ts': `
        import { createAgent, defineTool, Type } from '@reins/agent'
        let given = 0
        export default createAgent(() => ({
          model: 'scripted/assistant',
          instructions: 'It is ' + Date.now() + ', after ' + ++given,
          tools: [
            defineTool({
              name: 'tick', description: 'Ticks.', parameters: Type.Object({}), risk: 'read', execute: () => 'tock',
            }),
          ],
        }))`,
    })
    expect((await product.cli('deploy', folder)).out).toContain('Deployed the project clock (version 1)')
    const begun = await product.ask('POST', '/v1/sessions', {
      agent: 'clock',
      instance: 'wall',
      message: 'call tick {}',
    })
    const { id } = begun.json.session
    const said = await product.ask('POST', `/v1/sessions/${id}/messages?wait=turn`, { content: 'call tick {}' })
    expect(said.text).toContain('tock')
    const { events } = (await product.ask('GET', `/v1/sessions/${id}/events?limit=1000`)).json
    const configured = events.filter(({ type }: { type: string }) => type === 'agent.configured')
    expect(configured.map(({ data }: { data: object }) => data)).toMatchObject([
      { code: { project: 'clock', build: 1 } },
      { code: { project: 'clock', build: 1 }, pinned: { model: 'scripted/assistant', tools: { tick: 'safe' } } },
    ])
    const asked = events.filter(({ type }: { type: string }) => type === 'tool-calls.requested')
    expect(asked.map(({ data }: { data: { digest: string } }) => data.digest)).toEqual([
      begun.json.session.digest,
      configured[1].data.pinned.digest,
    ])

    const file = 'src/agents/clock.ts'
    const ticking = readFileSync(path.join(folder, file), 'utf8')
    write('clock', { [file]: ticking.replaceAll('tick', 'strike').replace('Date.now()', "'late'") })
    expect((await product.cli('deploy', folder)).out).toContain('Deployed version 2 of the project clock')
    const still = await product.ask('POST', `/v1/sessions/${id}/messages?wait=turn`, { content: 'call tick {}' })
    expect(still.text).toContain('tock')
    const dry = await product.cli('session', 'upgrade', id, '--dry-run')
    expect(dry.out).toContain('- tools.tick')
    expect(dry.out).toContain('! The conversation has calls of tick, which is no tool of it then.')
    expect((await product.cli('session', 'upgrade', id)).err).toContain('something would break')
    expect((await product.cli('session', 'upgrade', id, '--force')).out).toContain('+ tools.strike')
    const after = await product.ask('POST', `/v1/sessions/${id}/messages?wait=turn`, { content: 'call strike {}' })
    expect(after.text).toContain('tock')
  })
})

describe('a schedule', () => {
  const workflow = (cron: string) => `
    export const schedule = { cron: '${cron}', timeZone: 'Europe/Berlin', payload: { kind: 'daily' } }
    export async function run(ctx: any) { return ctx.payload }`
  test('is refused by the build where it names no time, and listed with its next time', async () => {
    const folder = write('timed', { 'src/workflows/timed.ts': workflow('0 25 * * *') })
    const message =
      'src/workflows/timed.ts: the cron "0 25 * * *" of its schedule has "25" as its hour; 0 to 23 are valid.'
    expect((await product.cli('build', folder)).err).toContain(message)
    expect((await product.cli('deploy', folder)).err).toContain(message)
    write('timed', { 'src/workflows/timed.ts': workflow('0 9 * * 1-5') })
    expect((await product.cli('deploy', folder)).code).toBe(0)
    const { schedules } = (await product.ask('GET', '/v1/schedules')).json
    expect(schedules).toMatchObject([
      { project: 'timed', of: 'workflow', name: 'timed', timeZone: 'Europe/Berlin', missed: 'latest' },
    ])
    expect(schedules[0].next).toBeGreaterThan(Date.now())
    expect((await product.cli('schedule', 'list')).out).toContain('workflow timed')
  })

  test('runs its workflow when its time has come, with its payload', async () => {
    const folder = write('ticking', { 'src/workflows/tick.ts': workflow('* * * * * *') })
    expect((await product.cli('deploy', folder)).code).toBe(0)
    const ended = await eventually(async () => {
      const { json } = await product.ask('GET', '/v1/runs?workflow=tick')
      const [run] = json.runs ?? []
      const shown = run && (await product.ask('GET', `/v1/runs/${run.runId}`)).json
      return shown?.status === 'completed' ? shown : undefined
    })
    expect(ended).toMatchObject({ workflowName: 'tick', project: 'ticking', result: { kind: 'daily' } })
    expect((await product.cli('project', 'delete', 'ticking')).code).toBe(0)
  })
})

describe('what a project declares in reins.config.ts', () => {
  const secret = 'sk-Zx81-very-secret-value'
  const files = {
    'reins.config.ts': "export default { env: ['REGION'], secrets: ['DESK_KEY'] }",
    'src/app.ts': `
      import { dispatch } from '@reins/agent'
      import { flue } from '@reins/agent/app'
      import { Hono } from 'hono'
      const app = new Hono<{ Bindings: { REGION: string; DESK_KEY: string } }>()
      app.get('/values', (c) => c.json({ region: c.env.REGION, length: c.env.DESK_KEY.length, names: Object.keys(c.env) }))
      app.post('/leak', async (c) => c.json(await dispatch({ agent: 'keeper', id: 'leaked', input: 'say ' + c.env.DESK_KEY })))
      app.route('/', flue())
      export default app`,
    'src/channels/keys.ts': `
      export const channel = {
        routes: [
          { method: 'GET', path: '/region', handler: (c: any) => c.text(c.env.REGION + ' ' + c.env.DESK_KEY.length) },
        ],
      }`,
    'src/agents/keeper.ts': `
      import { type AgentRouteHandler, createAgent, defineTool, Type } from '@reins/agent'
      export const route: AgentRouteHandler = async (c, next) =>
        c.req.header('x-key') === c.env.DESK_KEY ? next() : c.text('closed in ' + c.env.REGION, 401)
      export default createAgent(({ env }) => ({
        model: 'scripted/assistant',
        instructions: 'In ' + env.REGION + ' with ' + env.DESK_KEY,
        tools: [
          defineTool({
            name: 'key', description: 'Tells of the key.', parameters: Type.Object({}), risk: 'read',
            execute: () => env.REGION + ' ' + (env.DESK_KEY ?? '').length + ' ' + env.DESK_KEY,
          }),
        ],
      }))`,
    'src/workflows/keys.ts': `
      export async function run(ctx: any) {
        await ctx.step('one', () => ctx.env.DESK_KEY)
        const harness = await ctx.init('keeper')
        const shell = await harness.shell('env', { env: { KEY: ctx.env.DESK_KEY } }).catch(({ code }: any) => code)
        const file = await harness.fs.writeFile('.env', 'KEY=' + ctx.env.DESK_KEY).catch(({ code }: any) => code)
        return { region: ctx.env.REGION, length: ctx.env.DESK_KEY.length, key: ctx.env.DESK_KEY, names: Object.keys(ctx.env), shell, file }
      }`,
  }

  test('is given to tools and workflows, and its secrets are never recorded', async () => {
    const { out } = await product.cli('deploy', write('keeper', files))
    expect(out).toContain('The config REGION is not set: reins config set REGION VALUE')
    expect(out).toContain('The secret DESK_KEY is not set: reins secret set DESK_KEY')
    const early = await product.cli('connect', 'keeper', 'a', '-m', 'hi')
    expect(early.err).toContain('the project declares the config REGION, which is not set: reins config set REGION')
    await product.cli('config', 'set', 'REGION', 'eu')
    const unset = await product.cli('run', 'keys', '--quiet')
    expect(unset.err).toContain('The project declares the secret DESK_KEY, which is not set.')
    await product.ask('PUT', '/v1/secrets/DESK_KEY', { value: secret })

    const told = await product.cli('connect', 'keeper', 'a', '-m', 'call key {}', '--json')
    const { session, content } = JSON.parse(told.out)
    expect(content).toContain(`eu ${secret.length} [redacted]`)
    const ran = await product.cli('run', 'keys', '--json')
    const { runId, result } = JSON.parse(ran.out)
    const names = ['REGION', 'DESK_KEY']
    expect(result).toEqual({
      region: 'eu',
      length: secret.length,
      key: '[redacted]',
      names,
      shell: 'secret-recorded',
      file: 'secret-recorded',
    })
    const { digest } = (await product.ask('GET', `/v1/sessions/${session}`)).json
    const prompt = (await product.ask('GET', `/v1/sessions/${session}/prompt`)).json
    expect([prompt.system, typeof digest]).toEqual([expect.stringContaining('In eu with secret:DESK_KEY'), 'string'])
    for (const id of [session, runId.slice(4)]) {
      const frames = JSON.stringify((await product.ask('GET', `/v1/sessions/${id}/frames`)).json)
      expect(frames).not.toContain(secret)
    }
  })

  test('is given to app.ts, routes and channels, as the env of their context', async () => {
    const asked = async (method: string, at: string, headers: Record<string, string> = {}) => {
      const body = method === 'POST' ? { body: '{"message":"say hi"}' } : {}
      const type = { 'content-type': 'application/json' }
      const answer = await fetch(product.url + at, { method, headers: { ...type, ...headers }, ...body })
      return [answer.status, await answer.text()]
    }
    const values = { region: 'eu', length: secret.length, names: ['REGION', 'DESK_KEY'] }
    const [status, text] = await asked('GET', '/projects/keeper/values')
    expect([status, JSON.parse(String(text))]).toEqual([200, values])
    expect(await asked('GET', '/channels/keys/region')).toEqual([200, `eu ${secret.length}`])
    expect(await asked('POST', '/agents/keeper/r')).toEqual([401, 'closed in eu'])
    expect(await asked('POST', '/agents/keeper/r', { 'x-key': secret })).toEqual([200, expect.stringContaining('hi')])
    expect((await asked('POST', '/projects/keeper/leak'))[0]).toBe(200)
    const session = instanceSessionId('keeper', 'leaked', 'default')
    await messagesOf(session, 1)
    const frames = (await product.ask('GET', `/v1/sessions/${session}/frames`)).text
    expect([frames.includes('say [redacted]'), frames.includes(secret)]).toEqual([true, false])
  })

  test('needs the permission to use each secret that the project does not have yet', async () => {
    const made = await product.cli('token', 'create', '--permission', 'workflow:*:*:register', '--json')
    const { text, token } = JSON.parse(made.out)
    const folder = write('taker', {
      'reins.config.ts': files['reins.config.ts'],
      'src/agents/taker.ts': agent('scripted/assistant'),
    })
    const refused = await product.cli('deploy', folder, '--name', 'taker', '--token', text ?? token.text)
    expect([refused.code, refused.err]).toEqual([
      1,
      expect.stringContaining('needs the permission secret:use:DESK_KEY'),
    ])
  })

  test('is all that tools may ask for', async () => {
    const tool = `
      import { createAgent, defineTool, Type } from '@reins/agent'
      export default createAgent(() => ({
        model: 'scripted/assistant',
        tools: [
          defineTool({
            name: 'key', description: 'Takes a key.', parameters: Type.Object({}), secret_requests: ['DESK_KEY'],
            execute: (_, { secrets }) => secrets.DESK_KEY,
          }),
        ],
      }))`
    await product.cli('deploy', write('greedy', { 'agents/greedy.ts': tool }))
    const { err } = await product.cli('connect', 'greedy', '-m', 'hi')
    expect(err).toContain('the tool key names the secret DESK_KEY, which the project does not declare')
  })
})

describe('reins dev', () => {
  test('loads each change, shows what is wrong with a save, and goes on with the last good build', async () => {
    const file = 'src/agents/live.ts'
    const real = (model: string, more = '') => `
      import { createAgent } from '@reins/agent'
      ${more}
      export default createAgent(() => ({ model: '${model}' }))`
    const folder = write('live', { [file]: real('scripted/assistant') })
    const env = { ...compileCache, PATH: searchPath, HOME: folder, REINS_URL: product.url, REINS_TOKEN: product.token }
    const child = spawn(process.execPath, [await bundledBinary(), 'dev', folder], { env, cwd: product.folder })
    let out = ''
    child.on('error', (error) => {
      out += String(error)
    })
    for (const stream of [child.stdout, child.stderr]) stream.on('data', (chunk) => (out += chunk))
    const shows = (text: string) => eventually(() => out.includes(text), { describe: () => `${text} in ${out}` })
    const version = async () => (await product.ask('GET', '/v1/projects/live')).json.project?.version
    try {
      await shows('  live  (src/agents/live.ts)  not exposed')
      await shows('Watching ')
      const begun = await product.ask('POST', '/v1/sessions?wait=turn', { agent: 'live', message: 'say hello' })
      expect(begun.json).toMatchObject({ session: { agent: 'live' } })
      const { id } = begun.json.session
      await eventually(async () => {
        const { json } = await product.ask('GET', '/v1/sessions?agent=live')
        return json.sessions.length === 1
      })
      write('live', { [file]: real('scripted/assistant', 'export const one = 1') })
      await shows('Loaded version 2 of live in ')
      await shows('1 session goes on with it from the next turn.')
      const { json } = await product.ask('GET', `/v1/sessions/${id}/events?limit=500`)
      expect(json.events.map(({ type }: { type: string }) => type)).toContain('session.upgraded')
      write('live', { [file]: 'oops oops' })
      await shows('src/agents/live.ts:1:6: Expected ";" but found "oops"')
      await shows('The last good build goes on.')
      expect(await version()).toBe(2)
      // What prints into the folder would make it print for ever.
      for (const text of ['one', 'two']) write('live', { 'notes.log': text })
      const odd = `import { createAgent } from '@reins/agent'
        export default createAgent(({ id }) => { if (id === 'x') throw 1; return { model: 'scripted/assistant', instruction: 'x' } as any })`
      write('live', { [file]: odd })
      await shows('src/agents/live.ts: createAgent() initializer returned unknown runtime config field "instruction"')
      expect(out.split('Expected ";" but found "oops"')).toHaveLength(2)
      expect(await version()).toBe(2)
      const goes = await product.ask('POST', `/v1/sessions/${id}/messages?wait=turn`, { content: 'say still here' })
      expect(goes.json.turn).toMatchObject({ status: 'completed', content: expect.stringContaining('still here') })
      write('live', { [file]: real('scripted/assistant', 'export const one = 1') })
      await shows('What is saved is the last good build again.')
      write('live', { [file]: real('scripted/assistant', 'export const two = 2'), 'src/agents/more.ts': agent('a/b') })
      await shows('more  (src/agents/more.ts)')
      expect(await version()).toBeGreaterThan(2)
      const types = path.join(folder, 'dist/client.d.ts')
      await eventually(() => readFileSync(types, 'utf8').includes('readonly agents: "live" | "more"'))
    } finally {
      const ended = once(child, 'exit')
      child.kill('SIGINT')
      await ended
    }
  })

  test('starts a Reins at REINS_PORT where none answers, whose own agent gives its name to the project, and shows what its code throws', async () => {
    const file = 'src/agents/assistant.ts'
    const folder = write('alone', {
      [file]: `import { createAgent } from '@reins/agent'
        export const route = async (c: any, next: () => Promise<void>) => {
          if (c.req.query('who')) throw new Error('nobody of that name')
          await next()
        }
        export default createAgent(() => ({ model: 'scripted/assistant' }))`,
    })
    const refused = await product.cli('deploy', folder)
    expect(refused.err).toContain(`${file}: there is an agent assistant already, which Reins made at its first start`)
    const made = openDataDir(path.join(folder, '.reins'))
    await madeCluster(path.join(made.path, 'postgres'))
    made.release()
    const port = String(await freePort())
    const env = { ...compileCache, PATH: searchPath, HOME: home, REINS_PORT: port, REINS_DURABILITY: 'interval' }
    const child = spawn(process.execPath, [await bundledBinary(), 'dev'], { env, cwd: folder })
    let out = ''
    for (const stream of [child.stdout, child.stderr]) stream.on('data', (chunk) => (out += chunk))
    try {
      const shows = (text: string) =>
        eventually(() => out.includes(text), { withinMs: 120_000, describe: () => `${text} in ${out}` })
      await shows(`No Reins answers at http://127.0.0.1:${port}: one is started here.`)
      await shows('The agent assistant that Reins made at its first start gives its name to the project.')
      await shows('Watching ')
      const ask = (query: string) =>
        fetch(`http://127.0.0.1:${port}/agents/assistant/a${query}`, {
          ...{ method: 'POST', headers: { 'content-type': 'application/json' }, body: '{"message":"say here"}' },
        })
      expect(await (await ask('')).json()).toMatchObject({ result: { text: 'here' } })
      expect((await ask('?who=eve')).ok).toBe(false)
      await shows('app: Error: nobody of that name')
      await shows('src/agents/assistant.ts:3:')
    } finally {
      const ended = once(child, 'exit')
      child.kill('SIGINT')
      await ended
    }
  }, 240_000)
})
