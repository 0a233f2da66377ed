// Paths of images as people type and paste them into a chat: no shell has read them before. Pure.
import { fileURLToPath } from 'node:url'

/** What stands behind `/image`, '' where nothing does; undefined: the text is another one. */
export const imageAsked = (text: string): string | undefined =>
  /^\/image(?:[ \t]+(\S[^\n]*))?$/.exec(text.trim())?.[1] ?? (text.trim() === '/image' ? '' : undefined)

/** Without quotes and backslashes; `~` is the home folder, and an address `file:` the path in it. */
export function pathMeant(text: string, home: string | undefined): string {
  const typed = text.trim()
  const quoted = /^(['"])(.+)\1$/.exec(typed)?.[2]
  if (quoted !== undefined) return quoted
  if (/^file:\/\//i.test(typed)) return pathOf(typed) ?? typed
  const plain = /^[A-Za-z]:\\/.test(typed) ? typed : typed.replace(/\\(.)/g, '$1')
  return home !== undefined && /^~(?=\/|$)/.test(plain) ? `${home}${plain.slice(1)}` : plain
}

/** The path of a paste that is nothing else, and names an image: so a terminal pastes a file that is dropped on it. */
export function droppedImage(pasted: string, home: string | undefined): string | undefined {
  const text = pasted.trim()
  const one = /^(['"]).+\1$/.test(text) || !/(?<!\\)\s/.test(text)
  if (!one || text.includes('\n')) return undefined
  const path = pathMeant(text, home)
  return /^(\/|[A-Za-z]:\\)/.test(path) && /\.(png|jpe?g|gif|webp)$/i.test(path) ? path : undefined
}

function pathOf(address: string): string | undefined {
  try {
    return fileURLToPath(address)
  } catch {
    return undefined
  }
}

export interface Entry {
  readonly name: string
  readonly folder: boolean
}

/** What is being typed behind `/image`: the folder that is looked into, and the beginning of a name in it. */
export function pathBegun(text: string, home: string | undefined) {
  const typed = /^\/image[ \t]+(.*)$/s.exec(text)?.[1]
  if (typed === undefined) return undefined
  const at = typed.lastIndexOf('/') + 1
  const named = typed.slice(0, at)
  const begun = typed.slice(at)
  const folder = named === '' ? '.' : pathMeant(named, home)
  return { folder, begun, before: text.slice(0, text.length - begun.length) }
}

/** As much of a name as all that begin so have in common; undefined: none does. Folders, and files that may be images. */
export function nameCompleted(begun: string, entries: readonly Entry[]): string | undefined {
  const names = entries.flatMap(({ name, folder }) => {
    const may = folder || /\.(png|jpe?g|gif|webp)$/i.test(name)
    const hidden = name.startsWith('.') && !begun.startsWith('.')
    return may && !hidden && name.startsWith(begun) ? [folder ? `${name}/` : name] : []
  })
  return names.length === 0 ? undefined : inCommon(names)
}

export const inCommon = (names: readonly string[]): string =>
  names.reduce((common, name) => {
    let length = 0
    while (length < common.length && common[length] === name[length]) length++
    return common.slice(0, length)
  })
