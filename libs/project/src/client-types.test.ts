import { describe, expect, test } from 'vitest'
import { clientTypes } from './client-types.ts'

/** What stands in a text here is no import of this file. */
const [importing, from] = ['import', 'from']

const modules = {
  agents: [
    { name: 'helper', file: 'src/agents/helper.ts' },
    { name: 'ticket', file: 'src/agents/ticket.ts' },
  ],
  workflows: [{ name: 'month-end', file: 'src/workflows/month-end.ts' }],
}

describe('the types of a client', () => {
  test('name the agents, and take payloads and results from the modules of the workflows', () => {
    expect(clientTypes(modules, 'dist')).toBe(
      `// Made by reins build and reins dev: what a client of this project may ask for. Use it with projectClient of @reins/client.
${importing} type { WorkflowTypes } ${from} '@reins/client'

export interface Project {
  readonly agents: "helper" | "ticket"
  readonly workflows: {
    readonly "month-end": WorkflowTypes<typeof ${importing}("../src/workflows/month-end.ts")>
  }
}
`,
    )
  })

  test('find the modules from any folder, and import nothing where there is no workflow', () => {
    expect(clientTypes(modules, 'out/types')).toContain(`typeof ${importing}("../../src/workflows/month-end.ts")`)
    expect(clientTypes({ agents: [], workflows: [] }, 'dist')).not.toContain('import')
  })
})
