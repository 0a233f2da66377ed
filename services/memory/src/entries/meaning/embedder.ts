// Who makes vectors of texts: the port of an embedding model.
export interface Embedder {
  /** Vectors of different models cannot be compared. */
  readonly model: string
  /** Below this cosine, an entry has nothing to do with a query. */
  readonly least: number
  /** One vector of length 1 for each text, in their order. Rejects with an error whose message is fit for people. */
  embed(texts: readonly string[], signal: AbortSignal): Promise<readonly Float32Array[]>
}

/** Whether the model refuses these texts and would take others. */
export const isRefusal = (error: unknown): boolean =>
  error instanceof Error && 'refused' in error && error.refused === true

export const whyOf = (error: unknown): string => (error instanceof Error ? error.message : String(error))
