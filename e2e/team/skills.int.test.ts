// Skills in a whole product: from folders on a disk to what a model reads and may call.
import { mkdirSync, symlinkSync, writeFileSync } from 'node:fs'
import path from 'node:path'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { Product } from '../bad-input/product.ts'

let product: Product
beforeAll(async () => {
  product = await Product.start()
}, 120_000)
afterAll(async () => {
  await product.close()
})

function write(file: string, text: string): void {
  const place = path.join(product.folder, file)
  mkdirSync(path.dirname(place), { recursive: true })
  writeFileSync(place, text)
}

const skill = (name: string, more = ''): string =>
  `---\nname: ${name}\ndescription: Does ${name}.\n${more}---\nFollow these steps of ${name}.\n`

const definition = (name: string, more = ''): string =>
  `name: ${name}\nmodel: scripted/assistant\nsystem_prompt: You have skills.\nskills_dir: ./skills\ntools: [files]\n${more}`

type Event = { readonly type: string; readonly data: Record<string, unknown> }

async function told(agent: string, ...messages: readonly string[]): Promise<{ id: string; events: readonly Event[] }> {
  const reply = await product.ask('POST', '/v1/sessions?wait=turn', { agent, message: messages[0] })
  expect(reply.status, reply.text).toBeLessThan(300)
  const id: string = reply.json.session.id
  for (const message of messages.slice(1)) {
    const next = await product.ask('POST', `/v1/sessions/${id}/messages?wait=turn`, { content: message })
    expect(next.status, next.text).toBeLessThan(300)
  }
  return { id, events: (await product.ask('GET', `/v1/sessions/${id}/events?limit=500`)).json.events }
}

const outputs = (events: readonly Event[]): readonly string[] =>
  events.flatMap(({ type, data }) => (type === 'tool-call.completed' ? [String(data.output)] : []))

describe('an agent with a folder of skills', () => {
  beforeAll(async () => {
    write('one/skills/pdf-forms/SKILL.md', skill('pdf-forms', 'allowed-tools: read_file\n'))
    write('one/skills/pdf-forms/references/fields.md', 'Fields have names.')
    write('one/skills/release-notes/SKILL.md', skill('release-notes'))
    write('one/agent.yaml', definition('clerk'))
    const applied = await product.cli('agent', 'apply', '-f', path.join(product.folder, 'one/agent.yaml'))
    expect(applied.err).toBe('')
    expect(applied.out).toContain('skills of ./skills')
  }, 120_000)

  it('names its skills at the start of a session, and reads them by name', async () => {
    const { events } = await told(
      'clerk',
      'call use_skill {"name": "pdf-forms"}',
      'call read_skill_file {"skill": "pdf-forms", "path": "references/fields.md"}',
      'call use_skill {"name": "pdf-form"}',
      'call read_skill_file {"skill": "pdf-forms", "path": "../release-notes/SKILL.md"}',
    )
    expect(events.find(({ type }) => type === 'skills.declared')?.data.skills).toEqual([
      { name: 'pdf-forms', description: 'Does pdf-forms.', allowedTools: ['read_file'] },
      { name: 'release-notes', description: 'Does release-notes.' },
    ])
    const [used, read, unknown, outside] = outputs(events)
    expect(JSON.parse(used ?? '')).toEqual({
      status: 'ok',
      skill: 'pdf-forms',
      instructions: 'Follow these steps of pdf-forms.',
      files: ['references/fields.md'],
      allowed_tools: ['read_file'],
    })
    expect(JSON.parse(read ?? '')).toMatchObject({ status: 'ok', content: 'Fields have names.' })
    expect(unknown).toContain('there is no skill \\"pdf-form\\"; did you mean \\"pdf-forms\\"?')
    expect(unknown).toContain('Available: pdf-forms, release-notes')
    expect(outside).toContain('has no file')
  })

  it('may call only what a skill in use allows, until the turn ends', async () => {
    const narrowed = 'call use_skill {"name": "pdf-forms"} && then call write_file {"path": "a.txt", "content": "x"}'
    const { events } = await told('clerk', narrowed, 'call write_file {"path": "b.txt", "content": "x"}')
    const [, refused, written] = outputs(events)
    expect(refused).toContain('the skill pdf-forms, which is in use, allows only read_file')
    expect(written).toContain('"status":"ok"')
  })

  it('keeps the stored copy when something else of it is changed', async () => {
    const changed = await product.cli('agent', 'update', 'clerk', '--max-tool-calls', '20')
    expect(changed.err).toBe('')
    const { events } = await told('clerk', 'call use_skill {"name": "release-notes"}')
    expect(outputs(events)[0]).toContain('Follow these steps of release-notes.')
  })
})

describe('a folder of skills that cannot be taken', () => {
  it('is refused by name and stores nothing', async () => {
    write('two/skills/one/SKILL.md', skill('other'))
    write('two/skills/two/SKILL.md', '---\nname: two\n---\n')
    write('two/skills/three/README.md', 'no skill')
    write('two/agent.yaml', definition('broken'))
    const applied = await product.cli('agent', 'apply', '-f', path.join(product.folder, 'two/agent.yaml'))
    expect(applied.code).toBe(1)
    expect(applied.err).toContain('one/SKILL.md has the name "other", but its folder is "one"')
    expect(applied.err).toContain('two/SKILL.md needs a "description"')
    expect(applied.err).toContain('two/SKILL.md has no instructions')
    expect(applied.err).toContain('three has no SKILL.md')
    expect((await product.ask('GET', '/v1/agents/broken')).status).toBe(404)
  })

  it('sends no link and no file with secrets', async () => {
    write('three/skills/one/SKILL.md', skill('one'))
    write('three/skills/one/.env', 'KEY=1')
    write('three/skills/one/deploy.pem', 'key')
    symlinkSync('/etc/hostname', path.join(product.folder, 'three/skills/one/link.md'))
    symlinkSync('/etc', path.join(product.folder, 'three/skills/two'))
    write('three/agent.yaml', definition('leaky'))
    const applied = await product.cli('agent', 'apply', '-f', path.join(product.folder, 'three/agent.yaml'))
    expect(applied.code).toBe(1)
    for (const name of ['one/.env', 'one/deploy.pem', 'one/link.md', 'skills/two']) expect(applied.err).toContain(name)
  })

  it('is refused over HTTP where only its path comes', async () => {
    const reply = await product.ask('PUT', '/v1/agents/far', definition('far'), { 'content-type': 'application/yaml' })
    expect(reply.status).toBe(422)
    expect(reply.text).toContain('names the folder ./skills, and its contents did not come with the request')
    expect(reply.text).toContain('docs/skills.md')
  })
})

describe('the scripts of a skill', () => {
  it('are run by the shell, which sees them read-only', async () => {
    write('four/skills/report/SKILL.md', skill('report', 'allowed-tools: Bash(sh /skills/report/*)\n'))
    write('four/skills/report/scripts/count.sh', 'ls | wc -l; (echo x >> "$0") 2>/dev/null && echo changed')
    write('four/agent.yaml', definition('runner').replace('tools: [files]', 'tools: [files, shell]'))
    expect((await product.cli('agent', 'apply', '-f', path.join(product.folder, 'four/agent.yaml'))).err).toBe('')
    const use = 'call use_skill {"name": "report"}'
    const { events } = await told(
      'runner',
      `${use} && then !shell sh /skills/report/scripts/count.sh`,
      `${use} && then !shell echo hi`,
    )
    const [used, ran, , refused] = outputs(events)
    expect(JSON.parse(used ?? '')).toMatchObject({
      folder: '/skills/report',
      files: ['scripts/count.sh'],
      allowed_tools: ['shell(sh /skills/report/*)'],
    })
    expect(JSON.parse(ran ?? '')).toMatchObject({ status: 'ok', stdout: '0\n' })
    expect(refused).toContain('allows only shell(sh /skills/report/*)')
  })
})

describe('an agent that is written in place', () => {
  it('has skills of its own, in the sessions that are delegated to it', async () => {
    write('five/lead-skills/plan/SKILL.md', skill('plan'))
    write('five/clerk-skills/pdf/SKILL.md', skill('pdf'))
    const inline =
      '  - name: clerk\n    description: Delegate forms.\n    system_prompt: x\n    skills_dir: ./clerk-skills\n'
    write('five/agent.yaml', `${definition('boss').replace('./skills', './lead-skills')}agents:\n${inline}`)
    const applied = await product.cli('agent', 'apply', '-f', path.join(product.folder, 'five/agent.yaml'))
    expect(applied.err).toBe('')
    expect(applied.out).toContain('skills of ./lead-skills')
    expect(applied.out).toContain('skills of ./clerk-skills')
    const instruction = 'call use_skill {"name": "pdf"}'
    const { events } = await told('boss', `call delegate ${JSON.stringify({ agent: 'clerk', instruction })}`)
    expect(String(events.find(({ type }) => type === 'delegation.settled')?.data.output)).toContain(
      'Follow these steps of pdf.',
    )
    const shown = await product.cli('agent', 'show', 'boss', '--format', 'yaml')
    write('elsewhere.yaml', shown.out)
    const again = await product.cli('agent', 'apply', '-f', path.join(product.folder, 'elsewhere.yaml'))
    expect([again.err, again.out.split(':')[0]]).toEqual(['', 'Agent boss unchanged'])
  })
})

describe('a workspace that speaks to agents', () => {
  it('is looked at before the first turn, and its words stay as they were', async () => {
    write('project/AGENTS.md', 'Use tabs.')
    write('project/.agents/skills/deploy/SKILL.md', skill('deploy', 'allowed-tools: Read\n'))
    write('project/.agents/skills/broken/SKILL.md', 'nothing')
    const tools = [{ files: { workspace: path.join(product.folder, 'project') } }]
    const body = { model: 'scripted/assistant', system_prompt: 'x', tools }
    expect((await product.ask('PUT', '/v1/agents/coder', { name: 'coder', ...body })).status).toBe(201)
    const { id, events } = await told(
      'coder',
      'call use_skill {"name": "deploy"} && then call write_file {"path": "x", "content": "y"}',
    )
    const found = events.find(({ type }) => type === 'toolset.resolved')?.data.servers as Record<string, never>[]
    expect(found).toMatchObject([{ server: '.workspace', status: 'ready', workspace: { instructions: 'Use tabs.' } }])
    expect(JSON.stringify(found)).toContain('broken/SKILL.md must begin with a line')
    const [used, refused] = outputs(events)
    expect(JSON.parse(used ?? '')).toMatchObject({ skill: 'deploy', folder: '.agents/skills/deploy' })
    expect(refused).toContain('the skill deploy, which is in use, allows only read_file')
    write('project/AGENTS.md', 'Use blanks.')
    await product.turn(id, 'say hello')
    const prompt = (await product.ask('GET', `/v1/sessions/${id}/prompt`)).json
    expect([prompt.check, prompt.system.includes('Use tabs.'), prompt.system.includes('Use blanks.')]).toEqual([
      'agrees',
      true,
      false,
    ])
    expect((await product.ask('GET', `/v1/sessions/${id}`)).json.servers).toEqual([])
    const { out } = await product.cli('session', 'events', id)
    expect(out).toContain('workspace: AGENTS.md, skill deploy; not used: .agents/skills/broken')
  })

  it('says nothing to an agent whose definition does not want it', async () => {
    const tools = [{ files: { workspace: path.join(product.folder, 'project') } }]
    const body = { model: 'scripted/assistant', system_prompt: 'x', tools, workspace_context: false }
    expect((await product.ask('PUT', '/v1/agents/deaf', { name: 'deaf', ...body })).status).toBe(201)
    const { events } = await told('deaf', 'say hello')
    expect(events.filter(({ type }) => /^(toolset|workspace)\./.test(type))).toEqual([])
  })

  it('says nothing where it is not asked', async () => {
    const { events } = await told('clerk', 'say hello')
    expect(events.filter(({ type }) => type.startsWith('toolset.'))).toEqual([])
  })
})
