// An address that a server wants a person to open.
/** undefined: it is no address of a web page, and nothing may open it. */
export function webPage(address: string | undefined): URL | undefined {
  const url = address !== undefined && URL.canParse(address) ? new URL(address) : undefined
  return url?.protocol === 'https:' || url?.protocol === 'http:' ? url : undefined
}
