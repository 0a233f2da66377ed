// Which lines of a Markdown text are prose that is too wide to be read in a diff. Tables, code, pictures and lines that hold one link
// or one word that cannot be broken are let through.
export const widest = 120

export function tooWide(markdown: string): readonly number[] {
  let fenced = false
  return markdown.split('\n').flatMap((line, index) => {
    if (/^\s*(```|~~~)/.test(line)) fenced = !fenced
    const free = fenced || [...line].length <= widest || /^\s*(\||!\[)/.test(line) || !broken(line)
    return free ? [] : [index + 1]
  })
}

/** Whether the line could be broken so that each part fits: its longest link or word is short enough. */
const broken = (line: string): boolean =>
  (line.match(/\S*\[[^\]]*\]\([^)]*\)\S*|\S+/g) ?? []).every((word) => [...word].length <= widest - 20)
