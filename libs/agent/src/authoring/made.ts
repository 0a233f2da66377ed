// What the modules of a project make while they are loaded, in their order: by its place here something is known that no module exports,
// such as an agent in the file of a workflow. The same bundle makes the same things in the same order, wherever it is loaded.
//   MD1. A host begins the list before it loads a bundle, and closes it when the bundle is loaded. What is made later is in no list, and
//        without a host there is none.

const agentsKey: unique symbol = Symbol.for('reins.made-agents')

const shared: { [agentsKey]?: object[] } = globalThis as object

/** MD1. */
export function noteAgent(agent: object): void {
  const made = shared[agentsKey]
  if (made && !Object.isFrozen(made)) made.push(agent)
}
