// Projects are built on this machine, deployed, rolled back, refused and deleted, by the real command.
import { readFileSync } from 'node:fs'
import path from 'node:path'
import { describe, expect, test } from 'vitest'
import { agentFile, ProjectTrial } from './project-trial.ts'

const on = new ProjectTrial()

describe('a project', () => {
  test('is built to one file with a manifest, after what was discovered is listed', async () => {
    const folder = on.write('support', {
      'package.json': '{ "name": "@acme/support", "type": "module" }',
      'src/agents/ticket.ts': agentFile(
        'scripted/assistant',
        'export const route = (_: unknown, next: () => unknown) => next()',
      ),
      'src/workflows/report.ts': 'export async function run() { return 1 }',
      'src/db.ts': 'export default {}',
    })
    const { code, out, err } = await on.product.cli('build', folder)
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
    const folder = path.join(on.product.folder, 'support')
    expect((await on.product.cli('deploy', folder)).out).toContain('Deployed the project support (version 1)')
    expect((await on.product.cli('deploy', folder)).out).toContain('at this build already (version 1)')
    const [first] = (await on.product.ask('GET', '/v1/projects')).json.projects
    expect(first).toMatchObject({
      name: 'support',
      version: 1,
      previous: [],
      manifest: { agents: [{ name: 'ticket' }] },
    })

    on.write('support', { 'src/agents/second.ts': agentFile('scripted/other') })
    expect((await on.product.cli('deploy', folder)).out).toContain('Deployed version 2 of the project support')
    expect((await on.product.cli('rollback', 'support')).out).toContain(
      'went from version 2 back to the build of version 1, which is version 3 now.',
    )
    const { project } = (await on.product.ask('GET', '/v1/projects/support')).json
    expect(project).toMatchObject({ version: 3, digest: first.digest, previous: [{ version: 2 }] })
    expect((await on.product.cli('rollback', 'support', '--to', '1')).err).toContain('keeps no version 1')
  })

  test('that was built elsewhere is deployed as it is', async () => {
    const file = path.join(on.product.folder, 'support/dist/project.mjs')
    const { out } = await on.product.cli('deploy', '--built', file, '--name', 'support')
    expect(out).toContain('at this build already')
  })

  test('with mistakes is refused with the module and the fix, and nothing is changed', async () => {
    const wrong = { 'agents/bare.ts': "export default { model: 'a/b' }" }
    const folder = on.write('wrong', wrong)
    const message = 'agents/bare.ts: Agent "bare" must default-export createAgent(...). It exports a plain object'
    const built = await on.product.cli('build', folder)
    expect([built.code, built.err.includes(message)]).toEqual([1, true])
    const deployed = await on.product.cli('deploy', folder)
    expect([deployed.code, deployed.err.includes(message)]).toEqual([1, true])
    expect((await on.product.ask('GET', '/v1/projects/wrong')).json.error.code).toBe('project_not_found')
  })

  test('that throws while it is loaded is refused with the author’s line', async () => {
    const folder = on.write('thrown', { 'src/agents/a.ts': `\n\nthrow new Error('no luck')\n${agentFile('a/b')}` })
    expect((await on.product.cli('build', folder)).err).toContain(
      'src/agents/a.ts:3:7: The project cannot be loaded: no luck',
    )
    expect((await on.product.cli('deploy', folder)).err).toContain('cannot be loaded: no luck')
  })

  test('has no agent that is there already, as YAML or in another project', async () => {
    await on.product.agent('yaml-agent', on.product.workspace)
    const clash = await on.product.cli('deploy', on.write('clash', { 'agents/yaml-agent.ts': agentFile('a/b') }))
    expect(clash.err).toContain('agents/yaml-agent.ts: there is an agent yaml-agent already, which is defined in YAML')
    const other = await on.product.cli('deploy', on.write('other', { 'agents/ticket.ts': agentFile('a/b') }))
    expect(other.err).toContain('agents/ticket.ts: the project support has an agent ticket already')
    const put = await on.product.ask('PUT', '/v1/agents/ticket', {
      name: 'ticket',
      model: 'scripted/assistant',
      system_prompt: 'x',
    })
    expect([put.status, put.json.error.code]).toEqual([409, 'name_taken'])
  })

  test('is no file of tools, and tools are no project', async () => {
    const bundle = readFileSync(path.join(on.product.folder, 'support/dist/project.mjs'), 'utf8')
    const definition = { name: 'mixed', model: 'scripted/assistant', system_prompt: 'x', tools_file: './project.mjs' }
    const asTools = await on.product.ask('PUT', '/v1/agents/mixed', {
      definition,
      files: [{ file: './project.mjs', text: `${bundle}\n` }],
    })
    expect(asTools.json.error.message).toContain('is the bundle of a project: deploy it with reins deploy')
    const asProject = await on.product.ask('PUT', '/v1/projects/mixed', { bundle: 'export const x = 1' })
    expect(asProject.json.error.message).toContain('is no bundle of a project')
  })

  test('is deleted, and its names are free then', async () => {
    expect((await on.product.cli('project', 'delete', 'support')).out).toContain('Deleted the project support.')
    expect((await on.product.cli('deploy', path.join(on.product.folder, 'other'))).code).toBe(0)
    expect((await on.product.cli('project', 'list')).out).not.toContain('support')
  })
})
