// The example of a README: code, and behind it what it prints.
const pattern = /```ts\n((?:(?!```)[\s\S])*)```\n\nprints\n\n```text\n([\s\S]*?)```/

export interface Example {
  readonly code: string
  readonly prints: string
}

export function exampleOf(readme: string): Example | undefined {
  const [, code, prints] = pattern.exec(readme) ?? []
  return code === undefined || prints === undefined ? undefined : { code, prints }
}
