/** Texts got no vectors. `message` is fit for people and names no key. */
export class EmbeddingError extends Error {
  override readonly name = 'EmbeddingError'
  /** Whether the server refuses these texts, and would take others. */
  readonly refused: boolean

  constructor(message: string, refused = false) {
    super(message)
    this.refused = refused
  }
}
