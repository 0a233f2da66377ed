// An address that a person may be led to; undefined: it is none of a web page, and nothing may open it.
export function webAddress(address: string | undefined): URL | undefined {
  const url = address === undefined ? null : URL.parse(address)
  return url?.protocol === 'https:' || url?.protocol === 'http:' ? url : undefined
}

/** Whether words are nothing but the address, or the host, that they lead to: any others could be taken for another one. */
export function sayWhere(words: string, url: URL): boolean {
  const said = words.trim()
  const named = webAddress(said)
  return said === url.host || (named?.host === url.host && named.username === '' && named.password === '')
}
