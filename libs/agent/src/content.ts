// Results that are more than JSON: text beside images, audio, files and links.
//   C1. A marker is found by a registered symbol, so that it is one over two copies of this package.

/** One block of a result. `data` is base64 text, or bytes. */
export type ContentBlock =
  | { readonly type: 'text'; readonly text: string }
  | { readonly type: 'json'; readonly value: unknown }
  | { readonly type: 'image' | 'audio'; readonly mimeType: string; readonly data: string | Uint8Array }
  | { readonly type: 'file'; readonly mimeType: string; readonly data: string | Uint8Array; readonly name?: string }
  | { readonly type: 'link'; readonly uri: string; readonly name?: string; readonly mimeType?: string }

/** C1. */
export const contentMarker: unique symbol = Symbol.for('reins.tool-content')

/** What `content` makes. */
export interface ToolContent {
  readonly [contentMarker]: readonly ContentBlock[]
}

/**
 * The result of a tool that answers with several blocks, or with an image, audio, a file or a link.
 *
 * @example
 * return content({ type: 'text', text: 'The chart:' }, { type: 'image', mimeType: 'image/png', data: bytes })
 */
export const content = (...blocks: readonly ContentBlock[]): ToolContent =>
  Object.freeze({ [contentMarker]: Object.freeze([...blocks]) })
