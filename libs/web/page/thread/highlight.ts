// Colours for code: shiki with its JavaScript engine, a few languages, each loaded when it is first met, from this server alone.
import type { HighlighterCore, LanguageInput, ThemedToken } from 'shiki/core'

const languages: Readonly<Record<string, () => Promise<unknown>>> = {
  bash: () => import('shiki/langs/bash.mjs'),
  c: () => import('shiki/langs/c.mjs'),
  css: () => import('shiki/langs/css.mjs'),
  diff: () => import('shiki/langs/diff.mjs'),
  go: () => import('shiki/langs/go.mjs'),
  html: () => import('shiki/langs/html.mjs'),
  java: () => import('shiki/langs/java.mjs'),
  json: () => import('shiki/langs/json.mjs'),
  python: () => import('shiki/langs/python.mjs'),
  rust: () => import('shiki/langs/rust.mjs'),
  sql: () => import('shiki/langs/sql.mjs'),
  tsx: () => import('shiki/langs/tsx.mjs'),
  yaml: () => import('shiki/langs/yaml.mjs'),
}
const aliases: Readonly<Record<string, string>> = {
  ...{ sh: 'bash', shell: 'bash', zsh: 'bash', console: 'bash', js: 'tsx', javascript: 'tsx', jsx: 'tsx' },
  ...{ ts: 'tsx', typescript: 'tsx', mjs: 'tsx', py: 'python', rs: 'rust', golang: 'go', yml: 'yaml', jsonc: 'json' },
  ...{ patch: 'diff', h: 'c', htm: 'html', xml: 'html', svg: 'html' },
}

/** undefined: it stays without colours. */
export function languageOf(name: string): string | undefined {
  const lower = name.toLowerCase()
  const found = aliases[lower] ?? lower
  return Object.hasOwn(languages, found) ? found : undefined
}

let core: Promise<HighlighterCore> | undefined

async function makeCore(): Promise<HighlighterCore> {
  const [{ createHighlighterCore }, { createJavaScriptRegexEngine }, light, dark] = await Promise.all([
    import('shiki/core'),
    import('shiki/engine/javascript'),
    import('shiki/themes/github-light-high-contrast.mjs'),
    import('shiki/themes/github-dark-high-contrast.mjs'),
  ])
  return createHighlighterCore({
    themes: [light.default, dark.default],
    engine: createJavaScriptRegexEngine({ forgiving: true }),
  })
}

/** More than this is shown as it is: nobody reads it, and it would hold up the page. */
const mostChars = 50_000

/** Lines of tokens, each with a colour for light and for dark; undefined where that is not to be had. */
export async function highlight(code: string, language: string): Promise<ThemedToken[][] | undefined> {
  const load = languages[language]
  if (load === undefined || code.length > mostChars) return undefined
  core ??= makeCore()
  const highlighter = await core
  if (!highlighter.getLoadedLanguages().includes(language))
    await highlighter.loadLanguage((await load()) as LanguageInput)
  return highlighter.codeToTokens(code, {
    lang: language,
    themes: { light: 'github-light-high-contrast', dark: 'github-dark-high-contrast' },
    defaultColor: false,
  }).tokens
}
