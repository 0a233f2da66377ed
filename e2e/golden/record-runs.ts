// Records golden journals of code that decides: a chat that a file leads, and a run of a project's workflow with the session below it:
// `node e2e/golden/record-runs.ts <folder>`. As with record.ts: what is committed is never recorded anew.
import path from 'node:path'
import { sessionOfRun } from '@reins/contracts'
import { bundledCode, workflowsProject } from '../harness/bundled-code.ts'
import { startRecording } from './recording.ts'

const recording = await startRecording(path.resolve(process.argv[2] ?? 'libs/session/golden'))
const { call, newSession, save, send, until } = recording

const chat = `
import { ChatResponseOutput, ElicitationOutput, SessionEndOutput } from '@reins/agent'
export default async function chat(ctx) {
  const { message } = await ctx.pause(new ChatResponseOutput({ content: 'Welcome.', turn: 0 }))
  const noted = await ctx.step('note', async () => 'noted ' + message)
  await ctx.sleep(20)
  const answer = await ctx.agent(message)
  const { elicitation_response } = await ctx.pause(
    new ElicitationOutput({ elicitation_id: 'sure', url: 'https://example.com/sure', message: 'Sure?', server_name: 'chat' }),
  )
  await ctx.pause(new ChatResponseOutput({ content: answer.content + ', ' + noted + ', ' + elicitation_response.action, turn: 1 }))
  await ctx.pause(new SessionEndOutput({ reason: 'done', turns: 2 }))
}`
await call('PUT', '/agents/led', {
  definition: {
    ...{ name: 'led', model: 'scripted/assistant', system_prompt: 'Be brief.', workflow_file: './chat.ts' },
  },
  files: [{ file: './chat.ts', text: bundledCode(chat, 'chat.ts') }],
})
const led = await newSession('led')
await until(led, 'run.paused')
await send(led, 'say one')
await until(led, 'run.paused', 2)
interface Asked {
  readonly elicitations: readonly { readonly elicitation_id: string }[]
}
const { elicitations } = (await call('GET', `/sessions/${led}/elicitations`)) as unknown as Asked
await call('POST', `/sessions/${led}/elicitations/${elicitations[0]?.elicitation_id}`, { action: 'accept' })
await until(led, 'run.paused', 3)
await send(led, 'say two')
await until(led, 'session.ended')
await save('workflow', led)

await call('PUT', '/agents/helper', { name: 'helper', model: 'scripted/assistant', system_prompt: 'You help.' })
await call('PUT', '/projects/golden', {
  bundle: workflowsProject({
    flow: `
      const helper = await ctx.init('helper')
      const session = await helper.session()
      const one = await session.prompt('say one')
      const charged = await ctx.step('charge', async () => 7)
      const paid = await ctx.waitFor('paid')
      const input = await ctx.pause({ asks: 'go on?' })
      return [one.text, charged, paid, input, ctx.payload]`,
  }),
})
interface Started {
  readonly run: { readonly runId: string }
}
const { run } = (await call('POST', '/runs', { workflow: 'flow', payload: { n: 1 } })) as unknown as Started
const root = sessionOfRun(run.runId)
await until(root, 'run.waited')
await call('POST', `/runs/${run.runId}/deliveries`, { event: 'paid', value: 5 })
await until(root, 'run.waited', 2)
await call('POST', `/runs/${run.runId}/deliveries`, { value: { ok: true } })
await until(root, 'session.ended')
await save('run', root)
await call('PUT', '/projects/shows', {
  bundle: workflowsProject({
    shows: `
      const session = await (await ctx.init('helper')).session()
      const image = (size) => {
        const bytes = Buffer.concat([Buffer.from('89504e470d0a1a0a', 'hex'), Buffer.alloc(size)])
        return { type: 'image', mimeType: 'image/png', data: bytes.toString('base64') }
      }
      return (await session.prompt('say seen', { images: [image(9), image(9000)] })).text`,
  }),
})
const shows = sessionOfRun(((await call('POST', '/runs', { workflow: 'shows' })) as unknown as Started).run.runId)
await until(shows, 'session.ended')
await save('images', shows)
interface Events {
  readonly events: readonly { readonly type: string; readonly data: { readonly child?: string } }[]
}
const childOf = async (session: string) => {
  const { events } = (await call('GET', `/sessions/${session}/events?limit=1000`)) as unknown as Events
  return events.find(({ type }) => type === 'run.prompted')?.data.child ?? ''
}
await save('run-below', await childOf(root))
await save('images-below', await childOf(shows))

await call('PUT', '/projects/gives', {
  bundle: bundledCode(`
    import { createAgent, defineTool, Type } from '@reins/agent'
    import { defineProject } from '@reins/agent/project'
    const keeper = createAgent(() => ({ model: 'scripted/assistant' }))
    async function run(ctx) {
      const drawn = ctx.uuid()
      const pay = defineTool({
        name: 'pay',
        description: 'Pays.',
        parameters: Type.Object({}),
        execute: () => 'paid ' + drawn.length,
      })
      const session = await (await ctx.init('helper')).session()
      return (await session.prompt('call pay {}', { tools: [pay] })).text
    }
    const workflow = { module: { run }, file: 'src/workflows/gives.ts' }
    export default defineProject({
      agents: { keeper: { module: { default: keeper }, file: 'src/agents/keeper.ts' } },
      workflows: { gives: workflow },
      channels: {},
    })`),
})
const gives = sessionOfRun(((await call('POST', '/runs', { workflow: 'gives' })) as unknown as Started).run.runId)
await until(gives, 'session.ended')
await save('given-tools', gives)
await save('given-tools-below', await childOf(gives))

const kept = (await call('POST', '/sessions', { agent: 'keeper', instance: 'one' })).session.id
await recording.ask(kept, `call shell ${JSON.stringify({ command: 'echo Be brief. > AGENTS.md' })}`)
await recording.ask(kept, 'say done')
await save('files-told', kept)

await recording.close()
process.exit(0)
