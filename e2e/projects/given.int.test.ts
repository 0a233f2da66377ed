// What a workflow gives a prompt, and an agent that it asks for, on a whole product: tools that are closures over the run, skills, subagents.
import { mkdirSync, writeFileSync } from 'node:fs'
import path from 'node:path'
import type { SessionEvent } from '@reins/contracts'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { Product } from '../bad-input/product.ts'

let product: Product

const secret = 'sk-given-0123456789'

const files: Readonly<Record<string, string>> = {
  'reins.config.ts': `export default { env: ['REGION'], secrets: ['SHOP_KEY'] }`,
  'skills/greeting/SKILL.md': '---\nname: greeting\ndescription: How to greet.\n---\nSay moin.\n',
  'skills/parting/SKILL.md': '---\nname: parting\ndescription: How to part.\n---\nSay tschüs.\n',
  'agents/desk.ts': `
    import { createAgent, defineTool, Type } from '@reins/agent'
    import greeting from '../skills/greeting/SKILL.md' with { type: 'skill' }
    const own = defineTool({ name: 'own', description: 'Its own.', parameters: Type.Object({}), execute: () => 'own' })
    export default createAgent(() => ({ model: 'scripted/assistant', sandbox: false, tools: [own], skills: [greeting] }))`,
  'workflows/closures.ts': `
    import { createAgent, defineTool, dispatch, Type } from '@reins/agent'
    const plain = createAgent(() => ({ model: 'scripted/assistant', sandbox: false }))
    export async function run(ctx) {
      const stock = new Map()
      const token = ctx.uuid()
      stock.set('lamp', await ctx.step('count', () => 7))
      const session = await (await ctx.init(plain)).session()
      const look = defineTool({
        name: 'look',
        description: 'Looks into the stock.',
        parameters: Type.Object({ item: Type.String() }),
        risk: 'read',
        execute: ({ item }, { session }) => ({ count: stock.get(item), token, region: ctx.env.REGION, key: ctx.env.SHOP_KEY.length, payload: ctx.payload, in: session.id }),
      })
      const other = defineTool({ name: 'other', description: 'Another.', parameters: Type.Object({}), execute: () => 'other' })
      const first = await session.prompt('call look {"item":"lamp"}', { tools: [look] })
      const without = await session.prompt('call look {"item":"lamp"}')
      const both = await Promise.all([
        session.task('call look {"item":"lamp"}', { tools: [look, other] }),
        session.task('call other {}', { tools: [other] }),
      ])
      const wrong = await session.prompt('call look {}', { tools: [look] })
      const skilled = await session.skill('nothing', { tools: [other], result: Type.Object({}) }).catch(({ code }) => code)
      return { token, id: ctx.id, first: first.text, without: without.text, both: both.map(({ text }) => text), wrong: wrong.text }
    }`,
  'workflows/inits.ts': `
    import { createAgent, defineAgentProfile, defineTool, Type } from '@reins/agent'
    import desk from '../agents/desk.ts'
    import parting from '../skills/parting/SKILL.md' with { type: 'skill' }
    export async function run(ctx) {
      const names = await ctx.step('names', () => ['ann', 'bob'])
      const people = defineTool({ name: 'people', description: 'Who there is.', parameters: Type.Object({}), execute: () => names.join(' and ') })
      const finder = defineAgentProfile({ name: 'finder', description: 'Finds people.', model: 'scripted/assistant', tools: [people] })
      const harness = await ctx.init(desk, { tools: [people], skills: [parting], subagents: [finder] })
      const session = await harness.session()
      const say = async (text) => (await session.prompt(text)).text
      const bare = await (await ctx.init('desk', { name: 'bare' })).session()
      return [
        await say('call people {}'),
        await say('call own {}'),
        await say('call use_skill {"name":"parting"}'),
        await say('call use_skill {"name":"greeting"}'),
        await say('call task {"agent":"finder","prompt":"call people {}"}'),
        (await bare.prompt('call people {}')).text,
      ]
    }`,
  'workflows/telling.ts': `
    import { createAgent } from '@reins/agent'
    const keeper = createAgent(() => ({ model: 'scripted/assistant', cwd: 'desk' }))
    export async function run(ctx) {
      const harness = await ctx.init(keeper)
      const session = await harness.session()
      const before = await session.prompt('call use_skill {"name":"tidy"}')
      await harness.fs.writeFile('AGENTS.md', 'Be brief: ' + ctx.env.REGION)
      await harness.fs.writeFile('.agents/skills/tidy/SKILL.md', '---\\nname: tidy\\ndescription: Tidies up.\\n---\\nPut it away.\\n')
      await harness.fs.writeFile('.agents/skills/broken/SKILL.md', 'nothing')
      const after = await session.prompt('call use_skill {"name":"tidy"}')
      return [before.text, after.text]
    }`,
  'agents/writer.ts': `
    import { createAgent } from '@reins/agent'
    export default createAgent(() => ({ model: 'scripted/assistant' }))`,
  'agents/plain-writer.ts': `
    import { createAgent, virtual } from '@reins/agent'
    export default createAgent(() => ({ model: 'scripted/assistant', sandbox: virtual({ workspaceContext: false }) }))`,
  'workflows/refused.ts': `
    import { createAgent, defineTool, Type } from '@reins/agent'
    import desk from '../agents/desk.ts'
    const made = (name, more = {}) => defineTool({ name, description: 'Made.', parameters: Type.Object({}), execute: () => 1, ...more })
    export async function run(ctx) {
      const session = await (await ctx.init(desk)).session()
      const why = (doing) => doing.then(() => 'nothing', ({ message }) => message)
      const { kind } = ctx.payload
      if (kind === 'here')
        return [
          await why(session.prompt('x', { tools: [{ name: 'a', execute() {} }] })),
          await why(session.prompt('x', { tools: [made('bad name')] })),
          await why(session.prompt('x', { tools: [made('a'), made('a')] })),
          await why(session.prompt('x', { tools: [made('task')] })),
          await why(session.prompt('x', { tools: [made('a', { description: 'With ' + ctx.env.SHOP_KEY })] })),
          await why(ctx.init(desk, { name: 'b', skills: ['parting'] })),
          await why(ctx.init(desk, { name: 'b', cwd: '/' })),
          (await ctx.init(desk, { name: 'b' })).name,
        ]
      if (kind === 'clash') return session.prompt('x', { tools: [made('own')] })
      if (kind === 'secret') return session.prompt('x', { tools: [made('a', { secret_requests: ['OTHER'] })] })
    }`,
}

beforeAll(async () => {
  product = await Product.start()
  const folder = path.join(product.folder, 'given')
  for (const [file, text] of Object.entries(files)) {
    mkdirSync(path.dirname(path.join(folder, file)), { recursive: true })
    writeFileSync(path.join(folder, file), text)
  }
  await product.cli('config', 'set', 'REGION', 'eu')
  await product.ask('PUT', '/v1/secrets/SHOP_KEY', { value: secret })
  const { code, err } = await product.cli('deploy', folder)
  if (code !== 0) throw new Error(err)
}, 240_000)
afterAll(() => product?.close())

async function ran(workflow: string, payload: object = {}) {
  const { json } = await product.ask('POST', '/v1/runs?wait=result', { workflow, payload })
  if (!json.run) throw new Error(JSON.stringify(json))
  return json.run as {
    readonly runId: string
    readonly result?: unknown
    readonly error?: { readonly message: string }
  }
}

async function eventsOf(session: string): Promise<readonly SessionEvent[]> {
  return (await product.ask('GET', `/v1/sessions/${session}/events?limit=1000`)).json.events
}

describe('tools of a prompt', () => {
  test('are closures over the run, offered with that prompt alone, and run where the run is replayed', async () => {
    const { runId, result } = await ran('closures', { day: 'monday' })
    const { token, id, first, without, both, wrong } = result as Record<string, string> & { both: readonly string[] }
    expect(id).toBe(runId)
    for (const said of [first, both[0]])
      for (const part of ['"count":7', `"token":"${token}"`, '"region":"eu"', `"key":${secret.length}`, '"monday"'])
        expect(said).toContain(part)
    expect(without).toMatch(/look/)
    expect(without).not.toContain('"count"')
    expect(both[1]).toContain('other')
    expect(wrong).toContain('invalid arguments')
    const run = runId.replace('run_', '')
    const events = await eventsOf(run)
    const given = events.filter(({ type }) => type === 'tools.given')
    expect(given.map(({ data }) => (data as { tools: readonly string[] }).tools.join(' ')).toSorted()).toEqual([
      ...['look', 'look', 'look other', 'other', 'other'],
    ])
    const { nodes } = (await product.ask('GET', `/v1/sessions/${run}/tree`)).json
    const logs = JSON.stringify(await Promise.all(nodes.map(({ id: one }: { id: string }) => eventsOf(one))))
    expect(logs).toContain('tools.given')
    expect(logs).not.toContain(secret)
  })
})

describe('ctx.init', () => {
  test('gives tools, skills and subagents beside those of the agent, in that harness alone', async () => {
    const { result, error } = await ran('inits')
    expect(error).toBeUndefined()
    const [people, own, parting, greeting, found, bare] = result as readonly string[]
    expect(people).toContain('ann and bob')
    expect(own).toContain('own')
    expect(parting).toContain('tschüs')
    expect(greeting).toContain('moin')
    expect(found).toContain('ann and bob')
    expect(bare).not.toContain('ann and bob')
  })
})

describe('AGENTS.md and skills among files in memory', () => {
  test('instruct the turns after the one that wrote them, in that session alone', async () => {
    const { runId, result } = await ran('telling')
    const [before, after] = result as readonly string[]
    expect(before).not.toContain('Put it away.')
    expect(after).toContain('Put it away.')
    const { nodes } = (await product.ask('GET', `/v1/sessions/${runId.replace('run_', '')}/tree`)).json
    const [child] = nodes.filter(({ agent }: { agent: string }) => agent.startsWith('telling~'))
    const { system } = (await product.ask('GET', `/v1/sessions/${child.id}/prompt`)).json
    expect(system).toContain('Be brief: eu')
    expect(system).toContain('- tidy: Tidies up.')
    const found = (await eventsOf(child.id)).filter(({ type }) => type === 'workspace.found')
    expect(found.length).toBe(3)
    expect(JSON.stringify(found[2])).toContain('.agents/skills/broken/SKILL.md')
  })

  test('are those of the model that writes them, too: its next turn has them', async () => {
    const said = await product.cli(
      'connect',
      'writer',
      'w',
      '-m',
      'call write_file {"path":"AGENTS.md","content":"Rhyme."}',
      '--json',
    )
    const { session } = JSON.parse(said.out)
    await product.cli('connect', 'writer', 'w', '-m', 'say hi')
    expect((await product.ask('GET', `/v1/sessions/${session}/prompt`)).json.system).toContain('Rhyme.')
  })

  test('are files like any other where the sandbox says so', async () => {
    const write = 'call write_file {"path":"AGENTS.md","content":"Rhyme."}'
    const said = await product.cli('connect', 'plain-writer', 'w', '-m', write, '--json')
    const { session } = JSON.parse(said.out)
    const read = await product.cli('connect', 'plain-writer', 'w', '-m', 'call read_file {"path":"AGENTS.md"}')
    expect(read.out).toContain('Rhyme.')
    expect((await eventsOf(session)).map(({ type }) => type)).not.toContain('workspace.found')
    expect((await product.ask('GET', `/v1/sessions/${session}/prompt`)).json.system).not.toContain('Rhyme.')
  })
})

describe('what is given wrongly', () => {
  test('is an error of the code, which names the field, and records nothing', async () => {
    expect((await ran('refused', { kind: 'here' })).result).toEqual([
      expect.stringContaining('tools[0] must be a tool that defineTool has made'),
      expect.stringContaining('must be 1 to 64 letters'),
      expect.stringContaining('has the name "a" twice'),
      expect.stringContaining('which Reins keeps for its own tool'),
      expect.stringContaining('would hold the value of the secret SHOP_KEY'),
      expect.stringContaining('skills[0] must be what an import of a SKILL.md gives'),
      expect.stringContaining('"cwd" is no option of init()'),
      'b',
    ])
  })

  test('ends the run before any model is asked: a name that the agent has, a secret that is not declared', async () => {
    expect((await ran('refused', { kind: 'clash' })).error?.message).toContain('has a tool "own"')
    expect((await ran('refused', { kind: 'secret' })).error?.message).toContain(
      'names the secret OTHER, which the project does not declare',
    )
  })
})
