// An address as it may be printed: a name and a password in it are secrets.

/** Also of a text that is no URL at all. */
export const withoutCredentials = (text: string): string => text.replace(/(\/\/|^)[^/?#\s]*@/, '$1')

export function holdsCredentials(text: string): boolean {
  const url = URL.parse(text)
  return url !== null && (url.username !== '' || url.password !== '')
}
