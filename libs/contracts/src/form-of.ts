// A schema as a question to values: is this of your form? What answers it is compiled when it is first asked, since a process has some two
// hundred schemas, uses a tenth of them, and would spend a sixth of its start on compiling all.
import type { Static, TSchema } from 'typebox'
import { Compile } from 'typebox/compile'

export function formOf<S extends TSchema>(schema: S): (value: unknown) => value is Static<S> {
  let check: ((value: unknown) => boolean) | undefined
  return (value): value is Static<S> => {
    if (!check) {
      const compiled = Compile(schema)
      check = (one) => compiled.Check(one)
    }
    return check(value)
  }
}
