// What is wrong with the schemas that a definition gives for answers: its own, and those of the agents that it lists.
import { type AgentDefinition, memberPath, type Problem, placedEntries } from '@reins/contracts'
import { outputSchemaProblem } from '@reins/tools'
import { type Document, problemAt } from './plain-value.ts'

export async function outputProblems(
  definition: AgentDefinition,
  places: Document['places'],
): Promise<readonly Problem[]> {
  const own = definition.output_schema ? [{ path: 'output_schema', schema: definition.output_schema }] : []
  const listed = placedEntries(definition.agents).flatMap(({ path, entry }) =>
    typeof entry === 'string' || !entry.output_schema
      ? []
      : [{ path: memberPath(path, 'output_schema'), schema: entry.output_schema }],
  )
  const problems: Problem[] = []
  for (const { path, schema } of [...own, ...listed]) {
    const problem = await outputSchemaProblem(schema)
    if (problem)
      problems.push(problemAt(places, problem.path === '' ? path : memberPath(path, problem.path), problem.message))
  }
  return problems
}
