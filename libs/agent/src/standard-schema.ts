// The part of Standard Schema (https://standardschema.dev) that is used here, as types: what a schema of Zod, Valibot, ArkType and
// others carries under `~standard`. Written out so that this package depends on none of them.

/** A schema of any library that follows Standard Schema, such as Zod and Valibot. */
export interface StandardSchema<Input = unknown, Output = Input> {
  readonly '~standard': {
    readonly version: 1
    readonly vendor: string
    readonly validate: (value: unknown) => StandardResult<Output> | Promise<StandardResult<Output>>
    readonly types?: { readonly input: Input; readonly output: Output } | undefined
    /** Standard JSON Schema (https://standardschema.dev/json-schema), where the library has it. */
    readonly jsonSchema?:
      | { readonly input: (options: { readonly target: 'draft-2020-12' }) => Record<string, unknown> }
      | undefined
  }
}

export type StandardResult<Output> =
  | { readonly value: Output; readonly issues?: undefined }
  | { readonly issues: readonly StandardIssue[] }

export interface StandardIssue {
  readonly message: string
  readonly path?: readonly (PropertyKey | { readonly key: PropertyKey })[] | undefined
}

export type StandardOutput<Schema extends StandardSchema> = NonNullable<Schema['~standard']['types']>['output']

/** ArkType's schemas are functions. */
export const isStandardSchema = (value: unknown): value is StandardSchema =>
  ((typeof value === 'object' && value !== null) || typeof value === 'function') &&
  '~standard' in value &&
  typeof value['~standard'] === 'object' &&
  value['~standard'] !== null
