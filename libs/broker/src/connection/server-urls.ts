// What NATS_URL says: one server, or those of a cluster, separated by commas. Credentials stand in the first one, and count for all.

/** Each server that is named, as a URL of its own. A comma in credentials separates nothing. */
export const serverUrls = (text: string): readonly [string, ...string[]] => {
  const [first = '', ...others] = text.split(/,(?=[^@]*$)|,(?=[a-z]+:\/\/)/i).map((one) => one.trim())
  return [first, ...others.filter((one) => one !== '')]
}

export interface BrokerServers {
  /** Without credentials. */
  readonly servers: readonly string[]
  readonly username?: string
  readonly password?: string
}

/** Throws a TypeError where one of them is no URL. */
export function brokerServers(text: string): BrokerServers {
  const parsed = serverUrls(text).map((url) => new URL(/^[a-z]+:\/\//i.test(url) ? url : `nats://${url}`))
  const [first] = parsed
  return {
    servers: parsed.map(({ protocol, host }) => `${protocol}//${host}`),
    ...(first?.username ? { username: decodeURIComponent(first.username) } : {}),
    ...(first?.password ? { password: decodeURIComponent(first.password) } : {}),
  }
}
