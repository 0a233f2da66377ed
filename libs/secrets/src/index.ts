// The one door of @reins/secrets.
export { type Envelope, openSecret, type RandomBytes, rewrapSecret, sealSecret } from './keys/envelope.ts'
export { type Handover, handOver, makeRecipient, type Recipient } from './keys/handover.ts'
export { givenKeys, type KeyStore, keyFile } from './keys/key-file.ts'
export { type Keyring, keyOf, keyText, makeKey, parseKeyring, type SecretsKey } from './keys/keyring.ts'
export {
  type LearnOptions,
  learnNamed,
  type NamedSecrets,
  type Resolve,
  resolveSecrets,
} from './named-secrets.ts'
export {
  type DeclaredValues,
  type ProjectValues,
  type ProjectValuesOptions,
  projectValues,
} from './project-values.ts'
export { mask } from './redact/masking.ts'
export {
  createRedactor,
  nothingToRedact,
  type RedactedStream,
  type Redactor,
  redactJsonText,
  SecretsRedactor,
  withheld,
} from './redact/redactor.ts'
export { secretNamesIn, secretReference } from './secret-names.ts'
