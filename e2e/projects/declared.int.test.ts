// What a project declares beside its agents: schedules, config and secrets.
import { instanceSessionId } from '@reins/contracts'
import { describe, expect, test } from 'vitest'
import { eventually } from '../harness/eventually.ts'
import { agentFile, ProjectTrial } from './project-trial.ts'

const on = new ProjectTrial()

describe('a schedule', () => {
  const workflow = (cron: string) => `
    export const schedule = { cron: '${cron}', timeZone: 'Europe/Berlin', payload: { kind: 'daily' } }
    export async function run(ctx: any) { return ctx.payload }`
  test('is refused by the build where it names no time, and listed with its next time', async () => {
    const folder = on.write('timed', { 'src/workflows/timed.ts': workflow('0 25 * * *') })
    const message =
      'src/workflows/timed.ts: the cron "0 25 * * *" of its schedule has "25" as its hour; 0 to 23 are valid.'
    expect((await on.product.cli('build', folder)).err).toContain(message)
    expect((await on.product.cli('deploy', folder)).err).toContain(message)
    on.write('timed', { 'src/workflows/timed.ts': workflow('0 9 * * 1-5') })
    expect((await on.product.cli('deploy', folder)).code).toBe(0)
    const { schedules } = (await on.product.ask('GET', '/v1/schedules')).json
    expect(schedules).toMatchObject([
      { project: 'timed', of: 'workflow', name: 'timed', timeZone: 'Europe/Berlin', missed: 'latest' },
    ])
    expect(schedules[0].next).toBeGreaterThan(Date.now())
    expect((await on.product.cli('schedule', 'list')).out).toContain('workflow timed')
  })

  test('runs its workflow when its time has come, with its payload', async () => {
    const folder = on.write('ticking', { 'src/workflows/tick.ts': workflow('* * * * * *') })
    expect((await on.product.cli('deploy', folder)).code).toBe(0)
    const ended = await eventually(async () => {
      const { json } = await on.product.ask('GET', '/v1/runs?workflow=tick')
      const [run] = json.runs ?? []
      const shown = run && (await on.product.ask('GET', `/v1/runs/${run.runId}`)).json
      return shown?.status === 'completed' ? shown : undefined
    })
    expect(ended).toMatchObject({ workflowName: 'tick', project: 'ticking', result: { kind: 'daily' } })
    expect((await on.product.cli('project', 'delete', 'ticking')).code).toBe(0)
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
    const { out } = await on.product.cli('deploy', on.write('keeper', files))
    expect(out).toContain('The config REGION is not set: reins config set REGION VALUE')
    expect(out).toContain('The secret DESK_KEY is not set: reins secret set DESK_KEY')
    const early = await on.product.cli('connect', 'keeper', 'a', '-m', 'hi')
    expect(early.err).toContain('the project declares the config REGION, which is not set: reins config set REGION')
    await on.product.cli('config', 'set', 'REGION', 'eu')
    const unset = await on.product.cli('run', 'keys', '--quiet')
    expect(unset.err).toContain('The project declares the secret DESK_KEY, which is not set.')
    await on.product.ask('PUT', '/v1/secrets/DESK_KEY', { value: secret })

    const told = await on.product.cli('connect', 'keeper', 'a', '-m', 'call key {}', '--json')
    const { session, content } = JSON.parse(told.out)
    expect(content).toContain(`eu ${secret.length} [redacted]`)
    const ran = await on.product.cli('run', 'keys', '--json')
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
    const { digest } = (await on.product.ask('GET', `/v1/sessions/${session}`)).json
    const prompt = (await on.product.ask('GET', `/v1/sessions/${session}/prompt`)).json
    expect([prompt.system, typeof digest]).toEqual([expect.stringContaining('In eu with secret:DESK_KEY'), 'string'])
    for (const id of [session, runId.slice(4)]) {
      const frames = JSON.stringify((await on.product.ask('GET', `/v1/sessions/${id}/frames`)).json)
      expect(frames).not.toContain(secret)
    }
  })

  test('is given to app.ts, routes and channels, as the env of their context', async () => {
    const asked = async (method: string, at: string, headers: Record<string, string> = {}) => {
      const body = method === 'POST' ? { body: '{"message":"say hi"}' } : {}
      const type = { 'content-type': 'application/json' }
      const answer = await fetch(on.product.url + at, { method, headers: { ...type, ...headers }, ...body })
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
    await on.messagesOf(session, 1)
    const frames = (await on.product.ask('GET', `/v1/sessions/${session}/frames`)).text
    expect([frames.includes('say [redacted]'), frames.includes(secret)]).toEqual([true, false])
  })

  test('needs the permission to use each secret that the project does not have yet', async () => {
    const made = await on.product.cli('token', 'create', '--permission', 'workflow:*:*:register', '--json')
    const { text, token } = JSON.parse(made.out)
    const folder = on.write('taker', {
      'reins.config.ts': files['reins.config.ts'],
      'src/agents/taker.ts': agentFile('scripted/assistant'),
    })
    const refused = await on.product.cli('deploy', folder, '--name', 'taker', '--token', text ?? token.text)
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
    await on.product.cli('deploy', on.write('greedy', { 'agents/greedy.ts': tool }))
    const { err } = await on.product.cli('connect', 'greedy', '-m', 'hi')
    expect(err).toContain('the tool key names the secret DESK_KEY, which the project does not declare')
  })
})
