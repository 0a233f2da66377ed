// A chat that this file leads: it greets, answers by the agent, and ends after three turns, or when the person says goodbye.
//
//   reins agent create my-agent --model anthropic/claude-sonnet-4-5 \
//     --system-prompt "You are a helpful assistant." --workflow-file examples/agents/custom_workflow.ts
//   reins chat --agent my-agent
import { ChatResponseOutput, SessionEndOutput, type WorkflowContext } from '@reins/agent'

const maxTurns = 3

export default async function agent_chat(ctx: WorkflowContext) {
  let content = `Welcome! I am ${ctx.input.agent}. I answer ${maxTurns} questions; say "bye" to leave earlier.`
  for (let turn = 0; turn < maxTurns; turn++) {
    const { message } = await ctx.pause(new ChatResponseOutput({ content, turn }))
    if (message.trim().toLowerCase() === 'bye')
      await ctx.pause(new SessionEndOutput({ reason: 'user_exit', turns: turn }))
    const answer = await ctx.agent(message)
    content =
      answer.status === 'completed' ? answer.content : `That did not work: ${answer.error?.message ?? answer.status}`
  }
  await ctx.pause(new SessionEndOutput({ reason: 'max_turns', turns: maxTurns }))
}
