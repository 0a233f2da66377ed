// A profile: behaviour that agents share, or a subagent. It has no address of its own.
//   P1. It is checked when it is defined, and every mistake is named at once.
import { checkProfile } from './check-profile.ts'
import type { AgentProfile } from './runtime-config.ts'

/** Throws what is wrong with it; else gives the same object back. */
export function defineAgentProfile<const Profile extends AgentProfile>(profile: Profile): Profile {
  const problems = checkProfile(profile)
  if (problems.length > 0) throw new TypeError(`defineAgentProfile(): ${problems.join('; ')}.`)
  return profile
}
