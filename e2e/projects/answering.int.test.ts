// A deployed project answers: its agents by routes, its workflows by runs, in a whole product.
import { readFileSync } from 'node:fs'
import path from 'node:path'
import { instanceSessionId } from '@reins/contracts'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { bundledCode } from '../harness/bundled-code.ts'
import { type RecordingModel, recordingModel } from './recording-model.ts'
import { agentFile, ProjectTrial } from './project-trial.ts'

let seeing: RecordingModel
beforeAll(async () => {
  seeing = await recordingModel('a cat')
})
afterAll(async () => seeing?.close())
const on = new ProjectTrial(() => ({ ANTHROPIC_BASE_URL: seeing.url }))

describe('a deployed project', () => {
  test('answers: an agent by its route, with tools of each instance, and a workflow that prompts agents', async () => {
    const folder = on.write('desk', {
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
    expect((await on.product.cli('deploy', folder)).out).toContain('Deployed the project desk (version 1)')
    const said = async (id: string) => {
      const { status, json } = await on.product.ask('POST', `/agents/desk/${id}`, { message: 'call who {}' })
      return [status, json.result?.text ?? json]
    }
    expect(await said('ann')).toEqual([200, expect.stringContaining('the desk of ann')])
    expect(await said('bob')).toEqual([200, expect.stringContaining('the desk of bob')])
    const { json } = await on.product.ask('POST', '/workflows/ask?wait=result', { more: 2 })
    const refused = 'The token of app:desk has no permission agent:nobody:start'
    expect(json).toMatchObject({ result: { sum: 42, own: true, refused: expect.stringContaining(refused) } })
    const given = await on.messagesOf(instanceSessionId('desk', `of-${json.runId}`, 'default'), 3)
    expect(given.map(({ message }) => message).sort()).toEqual(json.result.sent.toSorted())
    expect(given[0]?.by).toBe('app:desk')
  })

  test('lets a tool give work to another instance, and answers without waiting for it', async () => {
    const { json } = await on.product.ask('POST', '/agents/desk/eli', { message: 'call pass_on {}' })
    expect(json.result?.text).toContain('dispatchId')
    const [given] = await on.messagesOf(instanceSessionId('desk', 'after-eli', 'default'), 1)
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
    expect((await on.product.ask('PUT', '/v1/agents/ship', { definition, files })).status).toBeLessThan(300)
    const manager = (workflow: string) => `
      import { createAgent, SkillCatalog, workflowAgent } from '@reins/agent'
      export default createAgent(() => ({
        model: 'scripted/assistant',
        skills: SkillCatalog.fromDirectory('../skills'),
        subagents: [{ name: 'helper', description: 'Delegate what is small.', instructions: 'Be brief.' }],
        agents: [workflowAgent({ name: 'deployer', description: 'Delegate to deploy.', workflow: '${workflow}' })],
      }))`
    const folder = on.write('managed', {
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
    const deployed = await on.product.cli('deploy', folder, '--name', 'managed')
    expect([deployed.code, deployed.err]).toEqual([0, ''])
    const ran = await on.product.cli('run', 'release')
    expect([ran.code, JSON.parse(ran.out)]).toMatchObject([
      0,
      { text: expect.stringContaining('shipped v2'), skill: expect.stringContaining('Look at it closely.') },
    ])
    const lost = await on.product.cli('connect', 'lost', '-m', 'hi')
    expect(lost.err).toContain('names the workflow "shop", which is not there; did you mean "ship"?')
  })

  test('has agents that its workflows lead: a delegation begins a run, is told of its pause, and goes on with it', async () => {
    const folder = on.write('led', {
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
    const deployed = await on.product.cli('deploy', folder, '--name', 'led')
    expect([deployed.code, deployed.err]).toEqual([0, ''])
    const ran = await on.product.cli('run', 'lead-all')
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
    const bounded = await on.product.cli('run', 'bounded', '--budget', 'tokens=400000,tool_calls=2')
    expect(JSON.parse(bounded.out)).toEqual({ calls: ['completed', 'completed', 'failed'], text: 'Hello.' })
    const { runId } = (await on.product.ask('GET', '/v1/runs?workflow=bounded')).json.runs[0]
    const { budget } = (await on.product.ask('GET', `/v1/sessions/${runId.slice(4)}`)).json
    expect(budget).toMatchObject({ tool_calls: { limit: 2, spent: 2, held: 0 }, tokens: { held: 0 } })
    expect(budget.tokens.spent).toBeGreaterThan(0)
    const poor = await on.product.cli('run', 'bounded', '--budget', 'tokens=10')
    expect([poor.code, poor.err]).toEqual([1, expect.stringContaining('budget')])
    const timed = await on.product.cli('run', 'bounded', '--budget', 'wall_time=5m')
    expect(timed.err).toContain('budget.wall_time')
    const shown = await on.product.ask('GET', `/v1/runs/run_${paused.execution_id}`)
    expect(shown.json).toMatchObject({ workflowName: 'pipeline', project: 'led', status: 'completed' })
  })

  test('has agents that its workflows make in their own files, which run commands and compact what they remember', async () => {
    const folder = on.write('inline', {
      'src/skills/review/SKILL.md': '---\nname: review\ndescription: Reviews code.\n---\nLook at it closely.\n',
      'src/agents/other.ts': agentFile('scripted/assistant'),
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
    expect((await on.product.cli('deploy', folder)).err).toBe('')
    const ran = await on.product.cli('run', 'review', '--payload', '{"who": "ann"}')
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
    const folder = on.write('looking', {
      'src/agents/looker.ts': `
        import { createAgent } from '@reins/agent'
        export const route = async (_c: unknown, next: () => Promise<void>) => next()
        export default createAgent(() => ({ model: 'anthropic/claude-sonnet-4-5', sandbox: false }))`,
      'src/workflows/blind.ts': 'export async function run() { return 1 }',
    })
    expect((await on.product.cli('deploy', folder)).err).toBe('')
    const png = (size: number) => Buffer.concat([Buffer.from('89504e470d0a1a0a', 'hex'), Buffer.alloc(size, 5)])
    const image = (size: number) => ({ type: 'image', mimeType: 'image/png', data: png(size).toString('base64') })
    const shown = (size: number) => ({
      type: 'image',
      source: { type: 'base64', media_type: 'image/png', data: png(size).toString('base64') },
    })
    const first = await on.product.ask('POST', '/agents/looker/1', { message: 'What is it?', images: [image(300_000)] })
    expect(first.json).toMatchObject({ result: { text: 'a cat' } })
    const id = instanceSessionId('looker', '1', 'default')
    const body = { content: 'And now?', images: [image(10)] }
    const second = await on.product.ask('POST', `/v1/sessions/${id}/messages?wait=turn`, body)
    expect(second.json).toMatchObject({ turn: { status: 'completed', content: 'a cat' } })
    const said = (text: string) => expect.objectContaining({ type: 'text', text })
    expect(seeing.asked.at(-1)?.messages.flatMap(({ content }) => content)).toEqual([
      ...[shown(300_000), said('What is it?'), said('a cat')],
      ...[shown(10), said('And now?')],
    ])
    const { run } = (await on.product.ask('POST', '/v1/runs?wait=result', { workflow: 'blind' })).json
    const told = await on.product.ask('POST', `/v1/sessions/${run.runId.slice(4)}/messages`, body)
    expect(told.json.error).toMatchObject({
      ...{ code: 'invalid_request', message: expect.stringContaining('it takes no images') },
    })
  })

  test('has agents that work in memory where they name no sandbox, with files and commands of their harness', async () => {
    const folder = on.write('memory', {
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
    expect((await on.product.cli('deploy', folder)).err).toBe('')
    const ran = await on.product.cli('run', 'keep')
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
    const listed = (await on.product.ask('GET', '/v1/agents')).json.modules
    expect(listed.find(({ name }: { name: string }) => name === 'desk')).toMatchObject({
      kind: 'code',
      name: 'desk',
      project: 'desk',
      version: 1,
      route: true,
      websocket: false,
    })
    expect((await on.product.ask('GET', '/v1/agents/desk')).json.error.message).toContain(
      'is a module of the project desk',
    )
    const connected = await on.product.cli('connect', 'desk', 'eve', '-m', 'call who {}')
    expect([connected.code, connected.out]).toEqual([0, expect.stringContaining('the desk of eve')])
    const again = await on.product.cli('connect', 'desk', 'eve', '-m', 'say once more', '--json')
    const { session } = JSON.parse(again.out)
    expect((await on.product.ask('GET', `/v1/sessions/${session}`)).json).toMatchObject({ agent: 'desk', turns: 2 })

    const ran = await on.product.cli('run', 'ask', '--payload', '{"more": 2}')
    expect([ran.code, JSON.parse(ran.out)]).toMatchObject([0, { sum: 42, own: true }])
    const [, id = ''] = /The run (run_\w+) has begun/.exec(ran.err) ?? []
    const logged = await on.product.cli('logs', id, '--follow')
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
    const failed = await on.product.cli('run', 'ask', '--quiet')
    expect([failed.code, failed.out]).toEqual([1, ''])
    expect(failed.err).toContain("Cannot read properties of undefined (reading 'more')")
  })

  test('configures its agent for each message, and records what it gave where that differs', async () => {
    const folder = on.write('clock', {
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
    expect((await on.product.cli('deploy', folder)).out).toContain('Deployed the project clock (version 1)')
    const begun = await on.product.ask('POST', '/v1/sessions', {
      agent: 'clock',
      instance: 'wall',
      message: 'call tick {}',
    })
    const { id } = begun.json.session
    const said = await on.product.ask('POST', `/v1/sessions/${id}/messages?wait=turn`, { content: 'call tick {}' })
    expect(said.text).toContain('tock')
    const { events } = (await on.product.ask('GET', `/v1/sessions/${id}/events?limit=1000`)).json
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
    on.write('clock', { [file]: ticking.replaceAll('tick', 'strike').replace('Date.now()', "'late'") })
    expect((await on.product.cli('deploy', folder)).out).toContain('Deployed version 2 of the project clock')
    const still = await on.product.ask('POST', `/v1/sessions/${id}/messages?wait=turn`, { content: 'call tick {}' })
    expect(still.text).toContain('tock')
    const dry = await on.product.cli('session', 'upgrade', id, '--dry-run')
    expect(dry.out).toContain('- tools.tick')
    expect(dry.out).toContain('! The conversation has calls of tick, which is no tool of it then.')
    expect((await on.product.cli('session', 'upgrade', id)).err).toContain('something would break')
    expect((await on.product.cli('session', 'upgrade', id, '--force')).out).toContain('+ tools.strike')
    const after = await on.product.ask('POST', `/v1/sessions/${id}/messages?wait=turn`, { content: 'call strike {}' })
    expect(after.text).toContain('tock')
  })
})
