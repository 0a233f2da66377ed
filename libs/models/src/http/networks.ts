// Networks among the hosts of NO_PROXY (`10.0.0.0/8`, `fd00::/8`), as curl, Go and Python read them: undici knows names and addresses.
import { BlockList, isIP, isIPv6 } from 'node:net'

/** Whether a host is an address in one of the networks that `except` names; what is none there is passed over. */
export function inNetworks(except: string): (hostname: string) => boolean {
  const networks = new BlockList()
  let some = false
  for (const entry of except.split(/[,\s]+/)) {
    const [address = '', length = ''] = entry.split('/')
    const family = isIPv6(address) ? 'ipv6' : 'ipv4'
    if (isIP(address) === 0 || !/^\d{1,3}$/.test(length) || Number(length) > (family === 'ipv6' ? 128 : 32)) continue
    networks.addSubnet(address, Number(length), family)
    some = true
  }
  return (hostname) => {
    const host = hostname.replace(/^\[|\]$/g, '')
    return some && isIP(host) !== 0 && networks.check(host, isIPv6(host) ? 'ipv6' : 'ipv4')
  }
}
