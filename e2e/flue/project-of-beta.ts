// A project as one writes it for the first betas of Flue 1.0 (src/, tools with Valibot schemas, workflows with run(ctx), channels, db.ts),
// with what the page on createAgent and workflows shows. The code is our own; nothing but the names of its imports is changed for Reins.
export const projectOfBeta: Readonly<Record<string, string>> = {
  'package.json': '{ "name": "beta", "type": "module" }',
  'src/workflows/greet.ts': `
    import type { FlueContext, WorkflowRouteHandler } from '@flue/runtime'
    export const route: WorkflowRouteHandler = async (_c, next) => next()
    export async function run(ctx: FlueContext) {
      ctx.log.info('greet is starting', { instanceId: ctx.id })
      return { greeting: 'hello', id: ctx.id }
    }`,
  'src/workflows/hello.ts': `
    import { createAgent, type FlueContext, type WorkflowRouteHandler } from '@flue/runtime'
    import * as v from 'valibot'
    const agent = createAgent(() => ({ model: 'scripted/assistant' }))
    export const route: WorkflowRouteHandler = async (c, next) =>
      c.req.header('x-key') === 'good' ? next() : c.json({ error: 'Unauthorized' }, 401)
    export async function run({ init, log, payload }: FlueContext<{ ask: string }>) {
      log.info('asking')
      const harness = await init(agent)
      const session = await harness.session()
      const response = await session.prompt(payload.ask, { result: v.object({ answer: v.number() }) })
      return response.data
    }`,
  'src/workflows/with-imported-skill.ts': `
    import { createAgent, type FlueContext } from '@flue/runtime'
    import review from '../skills/review/SKILL.md' with { type: 'skill' }
    const agent = createAgent(() => ({ model: 'scripted/assistant', skills: [review] }))
    export async function run({ init }: FlueContext) {
      const session = await (await init(agent)).session()
      const { text } = await session.skill(review, { args: { what: 'call use_skill {"name": "review"}' } })
      return { text, name: review.name }
    }`,
  'src/skills/review/SKILL.md': '---\nname: review\ndescription: Reviews.\n---\nRead it twice.\n',
  'src/agents/assistant.ts': `
    import { createAgent, defineTool, type AgentRouteHandler } from '@flue/runtime'
    import * as v from 'valibot'
    export const description = 'Answers in a chat.'
    export const route: AgentRouteHandler = async (_c, next) => next()
    export default createAgent(({ id }) => ({
      model: 'scripted/assistant',
      instructions: 'Answer in the thread.',
      tools: [
        defineTool({
          name: 'reply_to_chat_thread',
          description: 'Posts a response into the thread.',
          parameters: v.object({ threadId: v.string(), text: v.string() }),
          execute: async ({ threadId, text }) => 'posted in ' + threadId + ' of ' + id + ': ' + text,
        }),
      ],
    }))`,
  'src/channels/chat.ts': `
    import { dispatch } from '@flue/runtime'
    export const channel = {
      routes: [
        {
          method: 'POST', path: '/events',
          handler: async (c: any) => {
            const { thread, text } = await c.req.json()
            return c.json(await dispatch({ agent: 'assistant', id: thread, input: { text } }))
          },
        },
      ],
    }`,
  'src/db.ts': "throw new Error('never loaded')",
}
