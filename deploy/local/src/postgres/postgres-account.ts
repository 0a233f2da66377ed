// As whom Postgres runs. It refuses root, so root has to become somebody else, without making users; and it wants a
// user with a name, which a container's arbitrary number is not.
//   PA1. Not root: as oneself; without a name, in a user namespace where one is called nobody.
//   PA2. Root over a folder that belongs to somebody: as that somebody, so that he can start it himself again.
//   PA3. Root else: in a user namespace where root is called nobody; the files stay root's. Where namespaces are
//        forbidden (many containers): as nobody (65534), who is given the folder.
//   PA4. Whoever he is, he must reach the folder and the program. Where a closed folder stands in between, he keeps the one
//        capability that opens it. Each way is tried with a harmless command before it is chosen.
//   PA5. What is given away is the folder and the files in it: no link is followed, and no file that has a name elsewhere is given.
import {
  closeSync,
  constants,
  fchownSync,
  fstatSync,
  lchownSync,
  lstatSync,
  openSync,
  readdirSync,
  statSync,
} from 'node:fs'
import path from 'node:path'
import { runsMeanwhile } from '../servers/server-child.ts'

export interface Account {
  /** Goes before the program. */
  readonly prefix: readonly string[]
  readonly uid?: number
  readonly gid?: number
  readonly how: 'self' | 'user namespace' | 'other user' | 'other user with dac_override'
}

const NOBODY = 65534

/** Chooses, and gives the folder to who was chosen. Throws an Error with the ways out where none works. */
export async function chooseAccount(folder: string, postgres: string, env: Record<string, string>): Promise<Account> {
  let chosen: Candidate | undefined
  for (const account of candidates(folder)) {
    if (!(await works(account, folder, postgres, env))) continue
    chosen = account
    break
  }
  if (chosen === undefined) {
    throw new Error(
      'Postgres refuses to run as root or as a user without a name, and Reins cannot start it as another user ' +
        '(this machine allows neither user namespaces nor a change of the user). ' +
        'Start Reins as an ordinary user, or set DATABASE_URL to a server that runs already.',
    )
  }
  if (chosen.owner !== undefined) giveTo(folder, chosen.owner)
  return chosen
}

interface Candidate extends Account {
  readonly owner?: { uid: number; gid: number }
}

function candidates(folder: string): Candidate[] {
  const self: Candidate = { prefix: [], how: 'self' }
  const namespace: Candidate = {
    prefix: ['unshare', '--user', `--map-user=${NOBODY}`, `--map-group=${NOBODY}`, '--'],
    how: 'user namespace',
  }
  if (process.getuid?.() !== 0) return [self, namespace]
  const { uid, gid } = statSync(folder)
  const owner = uid === 0 ? { uid: NOBODY, gid: NOBODY } : { uid, gid }
  const ids = [`--reuid=${owner.uid}`, `--regid=${owner.gid}`, '--clear-groups']
  const capability = ['--inh-caps=-all,+dac_override', '--ambient-caps=-all,+dac_override']
  return [
    ...(uid === 0 ? [namespace] : []),
    { prefix: [], ...owner, how: 'other user', owner },
    ...(uid === 0 ? [] : [{ ...namespace, ...owner, owner }]),
    { prefix: ['setpriv', ...ids, ...capability, '--'], how: 'other user with dac_override', owner },
  ]
}

function works(
  { prefix, uid, gid }: Account,
  folder: string,
  postgres: string,
  env: Record<string, string>,
): Promise<boolean> {
  // Before its first start the folder itself is not yet his: that its parent can be entered is what counts.
  const script = 'test -x "$1" && whoami && "$2" --version'
  const ids = { ...(uid === undefined ? {} : { uid }), ...(gid === undefined ? {} : { gid }) }
  return runsMeanwhile([...prefix, 'sh', '-c', script, 'sh', path.dirname(folder), postgres], { ...ids, env })
}

/** PA5. */
function giveTo(entry: string, to: { uid: number; gid: number }): void {
  const stat = lstatSync(entry)
  if (!stat.isDirectory()) {
    const isOwn = stat.isFile() && stat.nlink === 1
    if (isOwn && (stat.uid !== to.uid || stat.gid !== to.gid)) lchownSync(entry, to.uid, to.gid)
    return
  }
  const fd = openSync(entry, constants.O_RDONLY | constants.O_DIRECTORY | constants.O_NOFOLLOW)
  try {
    const { uid, gid } = fstatSync(fd)
    if (uid !== to.uid || gid !== to.gid) fchownSync(fd, to.uid, to.gid)
    const folder = process.platform === 'linux' ? `/proc/self/fd/${fd}` : entry
    for (const name of readdirSync(folder)) giveTo(path.join(folder, name), to)
  } finally {
    closeSync(fd)
  }
}
