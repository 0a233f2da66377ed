// Who acts for a project's app, for as long as the project is there and offers what was asked for.
//   AO1. What the app has opened, or waits for, ends within two looks (access/leases.ts) after that: a project that was deleted, or a build
//        without that route, shows and writes nothing more.
//   AO2. A build that still offers it changes nothing for who has it open.
import { type ProjectEntry, ReinsError } from '@reins/contracts'
import type { Credential, Still } from '../../access/leases.ts'
import { asOfNow, type Caller } from '../../api/caller.ts'
import { type Asked, appCaller } from './asked.ts'
import type { Registered } from './projects-here.ts'
import { offers } from './routes.ts'

export type Offered = Pick<Asked, 'kind' | 'name'>

/** All that came by one project is looked at together. Nobody issues such a token: the principal can be banned, and nothing else. */
export const credentialOf = (project: string, principal: string): Credential => ({
  ...{ key: `app ${project} ${principal}`, principal, issued: 'elsewhere' },
})

/** AO1. As `appCaller`; as of now it may nothing where the project does not offer this. */
export function callerOffered(
  registered: Pick<Registered, 'project'>,
  project: ProjectEntry,
  asked: Offered,
  named: string | undefined,
): Caller & { readonly credential: Credential } {
  const caller = appCaller(project, named)
  const credential = credentialOf(project.name, caller.principal)
  let [entry, permissions] = [project as ProjectEntry | undefined, caller.permissions]
  const again = (): Caller => {
    const now = registered.project(project.name)
    if (now !== entry) {
      entry = now
      const may = now && offers(now, asked) ? appCaller(now, named).permissions : []
      if (JSON.stringify(may) !== JSON.stringify(permissions)) permissions = may // AO2
    }
    return { ...caller, permissions, credential, again }
  }
  return { ...caller, credential, again }
}

/** AO1. */
export const stillOffered =
  (caller: Caller): Still =>
  () =>
    asOfNow(caller).permissions.length > 0 ? undefined : notOffered()

export const notOffered = (): ReinsError =>
  new ReinsError('project_not_found', 'The project is not there any more, or does not offer this any more.')
