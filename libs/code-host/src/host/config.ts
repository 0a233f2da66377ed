// A host's settings come in its first frame. Its environment is the machine's, so code in it finds none: it gets what it declares, by name.

export function emptyEnvironment(): void {
  for (const name of Object.keys(process.env)) delete process.env[name]
}
