// What a source file takes from elsewhere: its imports, whether it reads the environment, and subjects of the broker. Text in, facts out.
//   M1. It reads the text as Biome formats it (a statement begins its line) and does not parse: TypeScript 7 has no stable parser to ask.
//   M2. A line that is a comment says nothing; an import inside a template string that begins its line would be taken for one.
export interface Import {
  readonly specifier: string
  /** Counted from 1. */
  readonly line: number
}

const names = String.raw`(?:type\s+)?(?:[\w$]+\s*,?\s*)?(?:\{[^}]*\}|\*(?:\s+as\s+[\w$]+)?)?\s*from\s*`
const statement = new RegExp(String.raw`^(?:import\s*(?:${names})?|export\s+${names})(['"])([^'"\n]+)\1`, 'gm')
const expression =
  /(?:\bimport|\brequire(?:\.resolve)?|\bimport\.meta\.resolve|\bcreateRequire\([^()]*\)(?:\.resolve)?)\(\s*(['"`])([^'"`\n$]+)\1/g

export function importsOf(source: string): readonly Import[] {
  const code = withoutComments(source)
  const lineAt = (index: number): number => code.slice(0, index).split('\n').length
  const found: Import[] = []
  for (const match of code.matchAll(statement)) found.push({ specifier: match[2] ?? '', line: lineAt(match.index) })
  for (const match of code.matchAll(expression)) {
    found.push({ specifier: match[2] ?? '', line: lineAt(match.index) })
  }
  return found.sort((a, b) => a.line - b.line)
}

/** The lines that read the environment. */
export function environmentReads(source: string): readonly number[] {
  return withoutComments(source)
    .split('\n')
    .flatMap((line, index) =>
      /\bprocess\s*(?:\?\.|\.)\s*env\b|\bprocess\[['"]env['"]\]|import\s*\{[^}]*\benv\b[^}]*\}\s*from\s*'(?:node:)?process'/.test(
        line,
      )
        ? [index + 1]
        : [],
    )
}

const subject = /['"`](?:(?:ses|rp|live|timer|fired|reg|svc|hb|ctl)\.|\$(?:JS|KV|O)\.)[^'"`\n]*/g
/** Types of events, which begin like subjects. */
const noSubjects: readonly string[] = ['timer.armed', 'timer.fired']

/** Texts that begin like a subject. */
export function subjectsIn(source: string): readonly { readonly text: string; readonly line: number }[] {
  return withoutComments(source)
    .split('\n')
    .flatMap((code, index) =>
      [...code.matchAll(subject)]
        .map(([match]) => ({ text: match.slice(1), line: index + 1 }))
        .filter(({ text }) => !noSubjects.includes(text)),
    )
}

/** Lines, counted from 1, that subscribe at a connection of the broker's client. */
export function subscriptionsIn(source: string): readonly number[] {
  return withoutComments(source)
    .split('\n')
    .flatMap((code, index) => (/\bnc\s*\??\.\s*subscribe\(/.test(code) ? [index + 1] : []))
}

/** Lines, counted from 1, that parse JSON where it throws: by JSON.parse, or by a message of the broker's client. */
export function parsesIn(source: string): readonly number[] {
  return withoutComments(source)
    .split('\n')
    .flatMap((code, index) => (/\bJSON\.parse\(|\.json(<.*>)?\(\)/.test(code) ? [index + 1] : []))
}

/** M2. The lines stay where they are. */
export function withoutComments(source: string): string {
  let block = false
  return source
    .split('\n')
    .map((line) => {
      const text = line.trimStart()
      const comment = block || text.startsWith('//') || text.startsWith('/*')
      if (text.startsWith('/*')) block = true
      if (block && text.includes('*/')) block = false
      return comment ? '' : line.replace(/\s\/\/\s.*$/, '')
    })
    .join('\n')
}
