// Tools of a support agent: each export is a tool, and its name is the name of the export.
//   reins agent create support-bot --model anthropic/claude-sonnet-4-5 --system-prompt "You are a support agent." \
//     --tools-file examples/agents/custom_tools.ts
import { defineTool, Type } from '@reins/agent'

interface Order {
  readonly customer: string
  readonly state: 'open' | 'sent' | 'returned'
  readonly euros: number
}

/** In a real file: a database, or a server that is asked with fetch. */
const orders: Readonly<Record<string, Order>> = {
  'A-100': { customer: 'Ada', state: 'sent', euros: 40 },
  'A-101': { customer: 'Grace', state: 'returned', euros: 250 },
}

function orderOf(number: string): Order {
  const order = orders[number]
  // The model reads this, so it says what to do next.
  if (!order) throw new Error(`there is no order ${number}; ask the customer for its number, which looks like A-100`)
  return order
}

const number = Type.String({ description: 'The number of the order, such as A-100' })

export const find_order = defineTool({
  description: 'Finds an order by its number. Answers with customer, state and amount.',
  parameters: Type.Object({ number }),
  risk: 'read',
  execute: (args) => orderOf(args.number),
})

export const refund = defineTool({
  description: 'Pays an order back that the customer has returned.',
  parameters: Type.Object({
    number,
    euros: Type.Number({ description: 'How much; at most what the order cost', exclusiveMinimum: 0 }),
  }),
  risk: 'external',
  // A second run would pay twice, so Reins never runs it again by itself.
  replay: 'never',
  timeout: 20,
  // Small amounts need nobody.
  approval: ({ euros }) => euros > 100,
  execute: async (args, { idempotencyKey, progress, log }) => {
    const order = orderOf(args.number)
    if (order.state !== 'returned')
      throw new Error(`order ${args.number} is ${order.state}; only returned ones are paid back`)
    if (args.euros > order.euros) throw new Error(`order ${args.number} cost ${order.euros} euros; pay no more back`)
    progress(`paying ${args.euros} euros back to ${order.customer}\n`)
    log.info('refund', { number: args.number, euros: args.euros, key: idempotencyKey })
    return { paid: args.euros, to: order.customer }
  },
})
