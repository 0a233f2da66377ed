// A shell command of which its text says all: the words of one program's command line. Everything else is no simple command, and no
// pattern and no part of a grant speaks for it.
//   SC1. Words are split as a shell splits them: blanks between, quotes around. Nothing is expanded, so what could expand, redirect,
//        group, chain, assign or comment makes the command not simple, also where it would do no harm.
//   SC2. When in doubt: not simple. A person is asked then, and sees the command.

const maxChars = 10_000
/** Letters and signs that mean themselves to every shell, wherever they stand outside quotes. */
const plain = /[\p{L}\p{N}_./:,@%+=^-]/u
/** Within double quotes a shell goes on reading for these. */
const readInDouble = new Set(['$', '`', '\\', '!'])

/** The words; null: it is no simple command. */
export function simpleCommand(text: string): readonly string[] | null {
  if (text.length > maxChars) return null
  const words: string[] = []
  let word: string | null = null
  let quote: '"' | "'" | null = null
  for (const char of text.trim()) {
    // Control characters, line breaks among them: never in a simple command, quoted or not.
    if (char < ' ' && char !== '\t') return null
    if (quote) {
      if (char === quote) quote = null
      else if (quote === '"' && readInDouble.has(char)) return null
      else word += char
    } else if (char === '"' || char === "'") {
      quote = char
      word ??= ''
    } else if (char === ' ' || char === '\t') {
      if (word !== null) words.push(word)
      word = null
    } else if (plain.test(char)) word = (word ?? '') + char
    else return null
  }
  if (quote !== null) return null
  if (word !== null) words.push(word)
  const [program] = words
  // `A=b program` sets what the program sees: its search path, what is loaded into it.
  return program === undefined || program === '' || program.includes('=') ? null : words
}
