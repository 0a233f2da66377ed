// Where the registry of this process has the keys of secrets: in the environment, in a file that the operator names, in the data folder.
import { randomBytes } from 'node:crypto'
import path from 'node:path'
import { givenKeys, type KeyStore, keyFile } from '@reins/secrets'
import type { LocalConfig } from '../config.ts'

/** `dataDir`: undefined where there is none. undefined: no secret can be kept here. */
export function secretsKeys(
  { secretsKey, secretsKeyFile }: Pick<LocalConfig, 'secretsKey' | 'secretsKeyFile'>,
  dataDir: string | undefined,
): KeyStore | undefined {
  if (secretsKey !== undefined) return givenKeys(secretsKey, 'REINS_SECRETS_KEY')
  if (secretsKeyFile !== undefined) return keyFile(secretsKeyFile, randomBytes)
  return dataDir === undefined
    ? undefined
    : keyFile(path.join(dataDir, 'secrets.key'), randomBytes, { followsLinks: false })
}

/** Folders with keys outside of the data folder, which no tool may see. */
export const keyFolders = ({
  secretsKeyFile,
  keysDir,
}: Pick<LocalConfig, 'secretsKeyFile' | 'keysDir'>): readonly string[] => [
  ...(secretsKeyFile === undefined ? [] : [path.dirname(secretsKeyFile)]),
  ...(keysDir === undefined ? [] : [keysDir]),
]
