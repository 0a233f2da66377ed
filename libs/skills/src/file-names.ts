// Which files may be in a bundle of skills, by their names. Pure.
//   N1. A path stays inside its skill's folder on every machine: no part of it is `.` or `..`, and it does not begin at a root.
//   N2. A file that usually holds a secret is refused by name, whatever is in it: a bundle is read by models.

/** Of a path from the skill's folder. */
export const maxPathChars = 200

/** What is wrong with a path inside of a skill; undefined: nothing. */
export function pathFault(path: string): string | undefined {
  if (path === '' || path.length > maxPathChars) return `must have 1 to ${maxPathChars} characters`
  // biome-ignore lint/suspicious/noControlCharactersInRegex: they are what is looked for
  if (/[\u0000-\u001f\u007f\\]/.test(path) || !path.isWellFormed())
    return 'has a backslash, a control character or half of a character in its name'
  const parts = path.split('/')
  if (parts.some((part) => part === '' || part === '.' || part === '..'))
    return 'leads out of the folder of its skill, or has an empty part'
  const secret = parts.find(isSensitive)
  return secret === undefined
    ? undefined
    : `looks like a file with secrets (${secret}), and models would read it: move it out of the folder`
}

const sensitiveNames: ReadonlySet<string> = new Set([
  ...['.git', '.ssh', '.aws', '.azure', '.gnupg', '.kube', '.docker', '.npmrc', '.netrc', '_netrc', '.pypirc'],
  ...['.pgpass', '.git-credentials', '.htpasswd', 'credentials.json', 'id_rsa', 'id_dsa', 'id_ecdsa', 'id_ed25519'],
])

const sensitiveEndings = /\.(?:pem|key|p12|pfx|jks|keystore|ppk|kdbx|gpg)$/
const environment = /^\.env(?:\.|$)/
/** What people write to show which variables there are. */
const environmentExample = /^\.env\.(?:example|sample|template)$/

function isSensitive(part: string): boolean {
  const name = part.toLowerCase()
  return (
    sensitiveNames.has(name) ||
    sensitiveEndings.test(name) ||
    (environment.test(name) && !environmentExample.test(name))
  )
}

const leftOutNames: ReadonlySet<string> = new Set([
  ...['.git', '.hg', '.svn', 'node_modules', '__pycache__', '.venv', '.ds_store', 'thumbs.db'],
])

/** What tools leave behind in folders, and no skill needs: it is left out of a bundle without a word. */
export const isLeftOut = (name: string): boolean => leftOutNames.has(name.toLowerCase()) || /\.pyc$/i.test(name)
