// The closed table of what can go wrong with a call to a model: its code, how many more attempts can help, and what a person can do.
//   K1. An attempt that cannot help is not made: what only a person can mend has 0.
//   K2. Where `retries` is missing the code decides: rate-limited, overloaded and network are tried again as often as the executor's
//       policy allows, the others never.
import type { ModelErrorCode } from '@reins/contracts'

/** Whom a failure is about. */
export interface Subject {
  readonly provider: string
  readonly model: string
  readonly baseUrl: string
  /** The variable that holds the key; none where no key is needed. */
  readonly keyEnv?: string | undefined
  /** Values that must not be in a message. */
  readonly secrets: readonly string[]
}

export interface Kind {
  readonly code: ModelErrorCode
  readonly retries?: number
  readonly advice: (subject: Subject) => string
}

export const kinds = {
  'wrong-key': {
    code: 'auth',
    advice: ({ keyEnv }) =>
      keyEnv ? `Check ${keyEnv}, its permissions and its credit.` : 'The server asks for a key: configure one.',
  },
  'no-credit': {
    code: 'auth',
    advice: ({ keyEnv }) =>
      keyEnv
        ? `Check ${keyEnv}, its permissions and its credit.`
        : 'The account has no credit left: add some with the provider.',
  },
  'no-model': {
    code: 'not-found',
    advice: ({ provider, model, baseUrl }) =>
      provider === 'ollama'
        ? `Run "ollama pull ${model}", or name a model that "ollama list" shows.`
        : `Check the model's name "${model}" and the base URL ${publicUrl(baseUrl)}.`,
  },
  'wrong-address': {
    code: 'not-found',
    advice: ({ baseUrl }) =>
      `The server at ${publicUrl(baseUrl)} is not a model server of this kind. Check the base URL (most end in /v1).`,
  },
  'rate-limit': { code: 'rate-limited', advice: () => 'The request will succeed when the limit allows it again.' },
  'long-limit': {
    code: 'rate-limited',
    retries: 0,
    advice: () =>
      'The provider asks for a wait of more than a day. Send the message again after that, or ask the provider for a higher limit.',
  },
  /** Of a plan, for hours, days or a month; how long, it does not say. */
  'used-up': {
    code: 'rate-limited',
    retries: 0,
    advice: () =>
      'What the account may use is used up for now: send the message again when it may use more, or raise its limit with the provider.',
  },
  'no-capacity': {
    code: 'overloaded',
    advice: () => 'The provider is short of capacity for the moment.',
  },
  loading: { code: 'overloaded', advice: () => 'The server is loading the model.' },
  /** Another attempt may find the memory that this one lacked; not more than one. */
  'cannot-run': {
    code: 'bad-request',
    retries: 1,
    advice: () =>
      'The server cannot run this model as it is: give it more memory or the setting that it names, or choose a smaller model.',
  },
  'too-long': {
    code: 'context-overflow',
    advice: () =>
      'The conversation does not fit the window of the model: start a new session, or choose a model with a larger one.',
  },
  'window-full': {
    code: 'context-overflow',
    advice: () => 'Start a new session, load the model with a larger context, or choose a model with a larger window.',
  },
  refused: {
    code: 'refused',
    advice: () => 'The provider declined to answer this. Say it in other words.',
  },
  'all-thought': {
    code: 'bad-request',
    advice: () => 'Raise max_tokens of the agent, or lower its reasoning_effort.',
  },
  empty: {
    code: 'bad-request',
    retries: 2,
    advice: () => 'Send the message again, or say it in other words. If it happens again, choose another model.',
  },
  'broken-call': {
    code: 'bad-request',
    retries: 2,
    advice: () =>
      'The call of a tool was lost on its way, so Reins ran no tool. If it happens again, choose another model or server.',
  },
  endless: {
    code: 'bad-request',
    advice: () =>
      'The server does not keep to max_tokens, or the model repeats itself: look at the logs of the server, ask for less at once, or raise max_tokens of the agent.',
  },
  /** Another attempt would take as long. */
  'too-slow': {
    code: 'network',
    retries: 0,
    advice: () =>
      'Ask for less at once, lower max_tokens of the agent, or let the operator raise REINS_MODEL_ANSWER_TIMEOUT_MS.',
  },
  garbled: {
    code: 'bad-request',
    retries: 1,
    advice: () => 'A part of the answer was lost on its way. If it happens again, look at the logs of the server.',
  },
  /** Of a server that has said of no answer yet that it is over. A second time it is how the server is. */
  'unmarked-end': {
    code: 'network',
    retries: 1,
    advice: ({ provider, baseUrl }) =>
      provider === 'ollama'
        ? `Look at the logs of the server at ${publicUrl(baseUrl)}.`
        : `If the server at ${publicUrl(baseUrl)} never says so, give ${provider} "unmarkedEnd": true in REINS_MODEL_PROVIDERS; else look at its logs.`,
  },
  'not-understood': {
    code: 'bad-request',
    advice: ({ baseUrl }) =>
      `Check that ${publicUrl(baseUrl)} is the right address, and look at the logs of that server.`,
  },
  /** Where it happens once it may be an accident; a second time it is how the server is. */
  'no-answer': {
    code: 'bad-request',
    retries: 1,
    advice: ({ baseUrl }) =>
      `Check that ${publicUrl(baseUrl)} is the right address, and look at the logs of that server and of what stands before it.`,
  },
  /** Not by the API: a page, of a firewall or a gateway. */
  blocked: {
    code: 'network',
    retries: 0,
    advice: ({ baseUrl }) =>
      `Something before ${publicUrl(baseUrl)} (a firewall, a gateway, a proxy) refuses requests from here. Ask whoever runs it, or check the base URL.`,
  },
  'server-error': {
    code: 'network',
    advice: ({ baseUrl }) => `If it goes on, look at the logs or the status page of ${publicUrl(baseUrl)}.`,
  },
  unreachable: {
    code: 'network',
    advice: ({ baseUrl }) => `Check that ${publicUrl(baseUrl)} can be reached.`,
  },
  'unknown-host': {
    code: 'network',
    retries: 2,
    advice: ({ baseUrl }) => `There is no such host: check the base URL ${publicUrl(baseUrl)} and the network.`,
  },
  untrusted: {
    code: 'network',
    retries: 0,
    advice: ({ baseUrl }) =>
      `The certificate of ${publicUrl(baseUrl)} is not trusted: check the URL, or name its authority in NODE_EXTRA_CA_CERTS.`,
  },
  /** It was asked and said no. */
  'proxy-refuses': { code: 'network', retries: 0, advice: proxyAdvice },
  'proxy-away': { code: 'network', advice: proxyAdvice },
  request: {
    code: 'bad-request',
    advice: () =>
      'The provider does not take this request for this model: check the model and the settings of the agent.',
  },
} satisfies Record<string, Kind>

export type FaultKind = keyof typeof kinds

function proxyAdvice(): string {
  return 'Check HTTPS_PROXY, HTTP_PROXY and NO_PROXY, and whether the proxy lets this host through.'
}

/** Without credentials and query. */
export function publicUrl(text: string): string {
  if (!URL.canParse(text)) return 'the base URL'
  const url = new URL(text)
  return `${url.protocol}//${url.host}${url.pathname === '/' ? '' : url.pathname}`
}
