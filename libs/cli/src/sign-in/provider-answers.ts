// What an identity provider gives, before anybody sees, sends or keeps it.
//   PA1. A person is shown a short code and the address of a web page, and nothing that drives a terminal or looks like another line.
//   PA2. How long a code is good, how often it is asked about and how long a token is good have bounds of ours.
//   PA3. A token is what a header may hold. No error says a token.
import { CommandFailure } from '../failure.ts'
import { oneLine } from '../text/neutralise.ts'
import { providerAddress } from './provider-fetch.ts'

const maxCodeChars = 64
const maxTokenChars = 16_000
/** s */
const longestCode = 30 * 60
const longestToken = 366 * 24 * 3600
const pollEvery = { atLeast: 1, atMost: 60, usually: 5 }

export interface ShownCode {
  readonly userCode: string
  readonly page: string
  readonly pageWithCode?: string
}

interface DeviceAnswer {
  readonly user_code: string
  readonly verification_uri: string
  readonly verification_uri_complete?: string
}

/** PA1. Throws CommandFailure. */
export function shownCode(issuer: string, answer: DeviceAnswer, local: boolean): ShownCode {
  const { user_code: userCode, verification_uri: page, verification_uri_complete: whole } = answer
  if (userCode.length > maxCodeChars || oneLine(userCode) !== userCode)
    throw unfit(issuer, `gave a code that nobody can enter: ${oneLine(userCode).slice(0, maxCodeChars)}`)
  const shown = (address: string): string => {
    const found = providerAddress(address, local)
    if (found === undefined)
      throw unfit(issuer, `names a page that is no web page over https: ${oneLine(address).slice(0, 200)}`)
    return found
  }
  return { userCode, page: shown(page), ...(whole === undefined ? {} : { pageWithCode: shown(whole) }) }
}

/** PA2. s */
export const codeLifetime = (expiresIn: number): number => Math.min(Math.max(expiresIn, 0), longestCode)
export const pollInterval = (interval = pollEvery.usually): number =>
  Math.min(Math.max(interval, pollEvery.atLeast), pollEvery.atMost)
export const tokenLifetime = (expiresIn: number): number => Math.min(expiresIn, longestToken)

/** PA3. Throws CommandFailure. */
export function checkedToken(issuer: string, token: string): string {
  if (token.length <= maxTokenChars && /^[\x21-\x7e]+$/.test(token)) return token
  throw unfit(issuer, `gave a token that no request can carry (${token.length} characters)`)
}

const unfit = (issuer: string, what: string): CommandFailure =>
  new CommandFailure(`The identity provider ${issuer} ${what}.`, {
    next: 'Do not sign in there. Ask the operator of the server which identity provider REINS_OIDC_ISSUER names.',
  })
