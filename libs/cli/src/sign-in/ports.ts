// What signing in needs of the world: a place for what was signed in with, and the identity provider. Fakes stand here in tests.
import type { IdentityProvider } from '@reins/contracts'

/** What a sign-in at one server left behind. It is worth as much as the person's password at that server. */
export interface SignedIn {
  readonly server: string
  readonly provider: IdentityProvider
  readonly accessToken: string
  readonly refreshToken?: string
  /** epoch ms, when the access token was issued and when it ends. */
  readonly issuedAt: number
  readonly expiresAt: number
  /** What the provider calls the person. */
  readonly name?: string
}

export interface Credentials {
  /** Rejects where others can read them. */
  read(server: string): Promise<SignedIn | undefined>
  /** In one step: whoever reads meanwhile finds the old or the new ones. */
  write(signedIn: SignedIn): Promise<void>
  /** Whether there were any. */
  remove(server: string): Promise<boolean>
  /** One process at a time does such work for a server. */
  alone<T>(server: string, work: () => Promise<T>): Promise<T>
}

export interface Tokens {
  readonly accessToken: string
  readonly refreshToken?: string
  /** epoch ms */
  readonly expiresAt: number
  readonly name?: string
}

export interface DeviceCode {
  readonly userCode: string
  readonly page: string
  /** The page with the code in it already. */
  readonly pageWithCode?: string
  /** Resolves when the person has signed in. Rejects when they refuse, and when the code expires. */
  tokens(signal: AbortSignal): Promise<Tokens>
}

export interface BrowserSignIn {
  /** Where the person signs in. */
  readonly page: string
  /** Whether the provider can have sent a browser back with this address, for this sign-in: anybody may ask for one. */
  fits(answer: URL): boolean
  /** `answer`: the address that the browser was sent back to. */
  tokens(answer: URL): Promise<Tokens>
}

/** All of it rejects with CommandFailure. */
export interface ProviderClient {
  device(signal: AbortSignal): Promise<DeviceCode>
  browser(returnTo: string): Promise<BrowserSignIn>
  /** `ended`: the provider does not take the refresh token any more. */
  refresh(refreshToken: string): Promise<Tokens | 'ended'>
  /** As far as the provider offers it; whether it was told. */
  revoke(token: string): Promise<boolean>
}

/** How the person's browser comes back. */
export interface Answering {
  /** http://127.0.0.1:PORT/callback */
  readonly address: string
  /** The first answer that fits; the browser's page waits until `say` is called. Rejects at the signal. */
  answer(fits: (answer: URL) => boolean, signal: AbortSignal): Promise<URL>
  /** What the page of the browser says, and the end of listening. */
  say(outcome: { readonly ok: boolean; readonly text: string }): Promise<void>
}

export interface SignIn {
  readonly credentials: Credentials
  provider(provider: IdentityProvider): Promise<ProviderClient>
  /** The caller ends it with `say`. */
  listen(): Promise<Answering>
}
