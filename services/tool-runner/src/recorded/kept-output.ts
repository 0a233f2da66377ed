// Whole outputs on their way to the object store.
import type { Redactor } from '@reins/secrets'

/** A whole output as it is kept: secrets masked. Bytes pass as latin1, one character each, so that nothing else changes. */
export async function* redacted(
  output: AsyncIterable<Uint8Array> | Uint8Array,
  redactor: Redactor,
): AsyncIterable<Uint8Array> {
  const safe = redactor.stream()
  for await (const chunk of output instanceof Uint8Array ? [output] : output)
    yield Buffer.from(safe.push(Buffer.from(chunk).toString('latin1')), 'latin1')
  yield Buffer.from(safe.end(), 'latin1')
}
