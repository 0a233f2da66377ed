// A project as one writes it for Flue 0.9 (.flue/, routes and sockets, named sessions, dispatch from app.ts), with what the guide to agents
// shows. The code is our own; nothing but the names of its imports is changed for Reins.
export const projectOf09: Readonly<Record<string, string>> = {
  'package.json': '{ "name": "zero-nine", "type": "module" }',
  '.flue/agents/joke-teller.ts': `
    import { createAgent, type AgentRouteHandler, type AgentWebSocketHandler } from '@flue/runtime'
    export const route: AgentRouteHandler = async (_c, next) => next()
    export const websocket: AgentWebSocketHandler = async (_c, next) => next()
    export default createAgent(() => ({ model: 'scripted/assistant', instructions: 'Tell one short joke.' }))`,
  '.flue/agents/repository-reviewer.ts': `
    import { createAgent, type AgentRouteHandler } from '@flue/runtime'
    import { local } from '@flue/runtime/node'
    import checklist from '../skills/review-checklist/SKILL.md' with { type: 'skill' }
    import { repositoryTools } from '../shared/repository-tools.ts'
    export const route: AgentRouteHandler = async (_c, next) => next()
    export default createAgent(() => ({
      model: 'scripted/assistant',
      instructions: 'Report what the evidence supports.',
      cwd: '/srv/catalog-service',
      tools: repositoryTools,
      skills: [checklist],
      sandbox: local(),
    }))`,
  '.flue/skills/review-checklist/SKILL.md':
    '---\nname: review-checklist\ndescription: What a review looks at.\n---\nLook at the tests first.\n',
  '.flue/shared/repository-tools.ts': `
    import { defineTool } from '@flue/runtime'
    export const repositoryTools = [
      defineTool({
        name: 'changed_files', description: 'Lists what a change touches.', risk: 'read',
        parameters: { type: 'object', properties: { change: { type: 'number' } }, required: ['change'] },
        execute: async ({ change }: any) => 'change ' + change + ' touches src/catalog.ts',
      }),
    ]`,
  '.flue/shared/support-tickets.ts': `
    import { defineTool } from '@flue/runtime'
    const tickets: Record<string, string> = { 'ticket-1': 'The printer is on fire.', 'ticket-2': 'The door is stuck.' }
    export const createTicketTools = (id: string) => [
      defineTool({
        name: 'read_ticket', description: 'Gives the text of this ticket.', risk: 'read',
        parameters: { type: 'object', properties: {} },
        execute: async () => tickets[id] ?? 'There is no ticket ' + id,
      }),
    ]`,
  '.flue/auth.ts': `
    export const authenticate = async (header: string | undefined) =>
      header === 'Bearer ann' ? { supportTicketIds: ['ticket-1'] } : undefined`,
  '.flue/agents/support-assistant.ts': `
    import { createAgent, type AgentRouteHandler, type AgentWebSocketHandler } from '@flue/runtime'
    import { authenticate } from '../auth.ts'
    import { createTicketTools } from '../shared/support-tickets.ts'
    export const route: AgentRouteHandler = async (c, next) => {
      const principal = await authenticate(c.req.header('authorization'))
      const ticketId = c.req.param('id')
      if (!principal) return c.json({ error: 'Unauthorized' }, 401)
      if (!principal.supportTicketIds.includes(ticketId)) return c.notFound()
      await next()
    }
    export const websocket: AgentWebSocketHandler = async (c, next) => {
      const principal = await authenticate(c.req.header('authorization'))
      if (!principal) return c.json({ error: 'Unauthorized' }, 401)
      if (!principal.supportTicketIds.includes(c.req.param('id'))) return c.notFound()
      await next()
    }
    export default createAgent(({ id }) => ({
      model: 'scripted/assistant',
      instructions: 'Help with the support ticket ' + id + '.',
      tools: createTicketTools(id),
    }))`,
  '.flue/agents/faq.ts': `
    import { createAgent, defineAgentProfile, type AgentRouteHandler } from '@flue/runtime'
    import { createTicketTools } from '../shared/support-tickets.ts'
    const support = defineAgentProfile({
      model: 'scripted/assistant',
      instructions: 'Answer clearly.',
      tools: createTicketTools('ticket-2'),
    })
    export const route: AgentRouteHandler = async (_c, next) => next()
    export default createAgent(() => ({ profile: support }))`,
  '.flue/agents/policy-assistant.ts': `
    import { createAgent, defineAgentProfile, type AgentRouteHandler } from '@flue/runtime'
    import { local } from '@flue/runtime/node'
    const policyResearcher = defineAgentProfile({
      name: 'policy_researcher',
      description: 'Finds policy text.',
      instructions: 'Quote with file paths.',
    })
    export const route: AgentRouteHandler = async (_c, next) => next()
    export default createAgent(() => ({
      model: 'scripted/assistant',
      instructions: 'Delegate source lookup to policy_researcher.',
      sandbox: local(),
      cwd: '/srv/company-policies',
      subagents: [policyResearcher],
    }))`,
  '.flue/agents/session-test.ts': `
    import { createAgent, defineAgentProfile } from '@flue/runtime'
    const sessionTest = defineAgentProfile({ model: 'scripted/assistant', instructions: 'Take what is delivered.' })
    export default createAgent(() => ({ profile: sessionTest }))`,
  '.flue/shared/support-webhooks.ts': `
    export const verifySupportWebhook = async (request: Request) => {
      const { ticket, comment, text } = JSON.parse(await request.text())
      return { ticketId: ticket, commentId: comment, text }
    }`,
  '.flue/app.ts': `
    import { dispatch } from '@flue/runtime'
    import { flue } from '@flue/runtime/app'
    import { Hono } from 'hono'
    import supportAssistant from './agents/support-assistant.ts'
    import { verifySupportWebhook } from './shared/support-webhooks.ts'
    const app = new Hono()
    app.post('/webhooks/support-comments', async (c) => {
      const event = await verifySupportWebhook(c.req.raw)
      const receipt = await dispatch(supportAssistant, {
        id: event.ticketId,
        session: 'customer-follow-up',
        input: { type: 'support.comment.created', commentId: event.commentId, text: event.text },
      })
      return c.json(receipt, 202)
    })
    app.route('/', flue())
    export default app`,
}
