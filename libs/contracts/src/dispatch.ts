// Work that an agent's instance is given, and that nobody waits for.

/** What the model reads of it: a text as it is, anything else as JSON. */
export const dispatchText = (input: unknown): string =>
  typeof input === 'string' && input.trim() !== '' ? input : JSON.stringify(input, null, 2)
