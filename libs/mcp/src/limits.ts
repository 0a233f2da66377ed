// What of a foreign server is taken: everything that it sends is bounded before it is used.
export const limits = {
  /** Bytes of one message. */
  messageBytes: 16 * 1024 * 1024,
  /** Bytes that wait for a program which does not read what it is told. */
  unreadBytes: 32 * 1024 * 1024,
  /** Answers to requests of a server that are on their way to it at once, and that wait for their turn. */
  repliesAtOnce: 8,
  repliesWaiting: 2_000,
  /** Lines on stdout that are no messages, before a program is taken for something else. */
  strayLines: 100,
  /** Characters of stderr that are kept, of its end. */
  stderrChars: 4_000,
  /** ms between two looks at the memory that a program holds. */
  memoryLookMs: 250,
  pages: 50,
  /** Pages of one connection that people open at the same time. */
  pagesAwaited: 1_000,
  /** Entries of one list. */
  entries: 1_000,
  /** Tools that an agent gets of one server. */
  tools: 128,
  /** Characters of all that is pinned of one server. */
  toolsChars: 300_000,
  descriptionChars: 2_000,
  schemaChars: 24_000,
  schemaNodes: 2_000,
  schemaDepth: 24,
  /** Characters of the name of a field of a form. */
  fieldNameChars: 200,
  /** Levels of a structured answer. */
  answerDepth: 100,
  /** Characters of a name as a model calls it: what all providers take. */
  nameChars: 64,
  /** Bytes of images, audio and files of one result. */
  mediaBytes: 8 * 1024 * 1024,
  /** Blocks of one result. */
  blocks: 200,
  /** Characters of a reason, or of a server's own words in one. */
  wordsChars: 500,
  /** Progress lines of one call. */
  progressLines: 2_000,
} as const
