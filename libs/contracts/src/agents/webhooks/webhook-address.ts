// Where a webhook may be sent to: the form of its address, and which addresses of the network are public.
//   WA1. What is no public unicast address is private: loopback, link-local (also the metadata services of clouds), private networks,
//        carriers' networks, documentation, multicast, and whatever carries an IPv4 address of these inside an IPv6 one.
import { BlockList, isIP } from 'node:net'

const privateRanges: readonly (readonly [network: string, prefix: number])[] = [
  ['0.0.0.0', 8],
  ['10.0.0.0', 8],
  ['100.64.0.0', 10],
  ['127.0.0.0', 8],
  ['169.254.0.0', 16],
  ['172.16.0.0', 12],
  ['192.0.0.0', 24],
  ['192.0.2.0', 24],
  ['192.31.196.0', 24],
  ['192.52.193.0', 24],
  ['192.88.99.0', 24],
  ['192.168.0.0', 16],
  ['192.175.48.0', 24],
  ['198.18.0.0', 15],
  ['198.51.100.0', 24],
  ['203.0.113.0', 24],
  ['224.0.0.0', 4],
  ['240.0.0.0', 4],
]
/** Global unicast addresses of IPv6, and what in them is none of them, or holds an IPv4 address. */
const publicRange6 = ['2000::', 3] as const
const privateRanges6: readonly (readonly [network: string, prefix: number])[] = [
  ['2001::', 23],
  ['2001:db8::', 32],
  ['2002::', 16],
  ['3fff::', 20],
]

const closedTo = new BlockList()
for (const [network, prefix] of privateRanges) closedTo.addSubnet(network, prefix, 'ipv4')
const open6 = new BlockList()
open6.addSubnet(...publicRange6, 'ipv6')
const closed6 = new BlockList()
for (const [network, prefix] of privateRanges6) closed6.addSubnet(network, prefix, 'ipv6')

/** WA1. false also for a text that is no address. */
export function isPublicAddress(address: string): boolean {
  const family = isIP(address)
  if (family === 4) return !closedTo.check(address, 'ipv4')
  return family === 6 && open6.check(address, 'ipv6') && !closed6.check(address, 'ipv6')
}

/** What is wrong with the address of a webhook, as a sentence; undefined: nothing. Names are looked up when something is sent. */
export function webhookUrlProblem(
  text: string,
  { allowPrivate }: { readonly allowPrivate: boolean },
): string | undefined {
  const url = URL.parse(text)
  if (!url || (url.protocol !== 'https:' && url.protocol !== 'http:'))
    return 'The address of a webhook must begin with https://.'
  if (url.username !== '' || url.password !== '')
    return 'The address of a webhook must hold no user and no password: deliveries are signed instead.'
  if (allowPrivate) return undefined
  if (url.protocol === 'http:')
    return 'The address of a webhook must begin with https://: http:// shows everybody what is sent.'
  const host = url.hostname.replace(/^\[|\]$/g, '')
  const local =
    host === 'localhost' || host.endsWith('.localhost') || host.endsWith('.local') || host.endsWith('.internal')
  return local || (isIP(host) !== 0 && !isPublicAddress(host))
    ? `The address of a webhook must be public, and ${host} is an address of this machine or of a private network.`
    : undefined
}
