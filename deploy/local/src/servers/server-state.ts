// How an embedded server is: sick and away are told apart, since a sick one answers and must not be waited for, and one that is away is
// started again and is back in a moment.
export type ServerState =
  | { readonly kind: 'ok' }
  /** It does not run; whoever watches its process starts it again. */
  | { readonly kind: 'away'; readonly why: string }
  /** It runs, and cannot do its work. */
  | { readonly kind: 'sick'; readonly why: string }

export type ServerStates = Readonly<Record<string, ServerState>>

/** For people: `ok`, or what is wrong. */
export const stateText = (state: ServerState): string => (state.kind === 'ok' ? 'ok' : `${state.kind}: ${state.why}`)
