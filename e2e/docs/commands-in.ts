// What documents tell people to type: commands in blocks, and those that stand in a sentence.
import { readdirSync, readFileSync } from 'node:fs'
import path from 'node:path'

const root = path.join(import.meta.dirname, '..', '..')
const known = /^(?:npx reins|npm run|docker compose|docker build|kubectl|helm) /

/** Each once, without comments and without what is set for it. `document`: from the root. */
export function commandsIn(document: string): readonly string[] {
  const text = readFileSync(path.join(root, document), 'utf8')
  const blocks = [...text.matchAll(/^ *```(?:sh|console)\n([\s\S]*?)^ *```$/gm)].flatMap(([, block = '']) =>
    block.split('\n'),
  )
  const inline = [...text.matchAll(/`([^`\n]+)`/g)].map(([, code = '']) => code)
  const typed = [...blocks, ...inline].flatMap((line) =>
    line
      .trim()
      .replace(/^\$ /, '')
      .replace(/\s+#.*$/, '')
      .split(' && '),
  )
  const bare = typed.map((line) => line.replace(/^(?:[A-Z_]+=(?:'[^']*'|\S*) )+/, ''))
  return [...new Set(bare.filter((line) => known.test(line)))]
}

/** The documents for operators, from the root. */
export const operatorDocuments: readonly string[] = [
  'docs/operate.md',
  'docs/scale.md',
  'docs/operations.md',
  'deploy/docker/README.md',
  ...readdirSync(path.join(root, 'docs', 'runbooks')).map((file) => `docs/runbooks/${file}`),
]

/** What they tell to type, each once. */
export const operatorCommands: readonly string[] = [...new Set(operatorDocuments.flatMap(commandsIn))]

const reference = readFileSync(path.join(root, 'docs', 'cli.md'), 'utf8')
const [general = '', ...sections] = reference.split(/^### /m)

/** What there is not of a command of Reins, by docs/cli.md, which is written from the commands themselves. */
export function unknownIn(line: string): readonly string[] {
  const typed = line.replace(/^npx /, '').replace(/ #.*$/, '')
  const fitting = sections.filter((section) => `${typed} `.startsWith(`${section.split('\n')[0]} `))
  const [section] = fitting.sort((a, b) => b.length - a.length)
  if (section === undefined) return [typed]
  const options = typed.match(/(?<= )--?[a-z][a-z-]*/g) ?? []
  return options.filter((option) => !new RegExp(`[\`, ]${option}(?![a-z-])`).test(general + section))
}
