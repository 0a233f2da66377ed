// How long the session index gathers frames before it writes them.

/** Of the first frame after a rest: a person who looks at a list finds what just happened. */
const atRestMs = 50
/** From one batch to the next while frames keep coming, and so the most by which the gathering delays a row. */
export const underLoadMs = 250

/** In ms; `sinceMs`: how long ago the last batch was written. */
export const gatherMs = (sinceMs: number): number =>
  sinceMs >= underLoadMs ? atRestMs : Math.max(atRestMs, underLoadMs - sinceMs)
