// Which of the forms that a route has the client wants (the Accept header).

/** The wanted one of `offered`, which are in the order of the server's own preference; undefined: none will do. */
export function negotiate(accept: string | undefined, offered: readonly string[]): string | undefined {
  if (accept === undefined || accept.trim() === '') return offered[0]
  const wanted = accept
    .split(',')
    .map((part, at) => {
      const [type = '', ...parameters] = part.trim().toLowerCase().split(';')
      const q = parameters.map((one) => /^\s*q=([0-9.]+)\s*$/.exec(one)?.[1]).find((one) => one !== undefined)
      return { type: type.trim(), q: q === undefined ? 1 : Number(q), at }
    })
    .filter(({ q }) => q > 0)
    .sort((a, b) => b.q - a.q || a.at - b.at)
  for (const { type } of wanted) {
    const match = offered.find((one) => type === one || type === '*/*' || type === `${one.split('/')[0]}/*`)
    if (match) return match
  }
  return undefined
}
