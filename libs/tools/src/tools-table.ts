// The table of tools in README.md, made from the schemas, so that the page and the code cannot differ.
import { builtinTools } from './builtin/builtin.ts'

export function toolsTable(): string {
  const rows = builtinTools.map((tool) => {
    const required = new Set<string>(tool.parameters.required ?? [])
    const parameters = Object.entries(tool.parameters.properties).map(([name, schema]) => {
      const description = 'description' in schema && typeof schema.description === 'string' ? schema.description : ''
      return `\`${name}\`${required.has(name) ? '' : ' (optional)'}: ${cell(description)}`
    })
    return `| \`${tool.name}\` | ${tool.group} | ${cell(tool.description)} | ${parameters.join('<br>')} | ${tool.risk} | ${tool.replay} |`
  })
  return ['| tool | group | what it does | parameters | risk | replay |', '|---|---|---|---|---|---|', ...rows].join(
    '\n',
  )
}

/** Text in a cell of a Markdown table: nothing of it ends the cell or is read as emphasis. */
function cell(text: string): string {
  return text.replaceAll(/[\\|*[\]_<>]/g, '\\$&')
}
