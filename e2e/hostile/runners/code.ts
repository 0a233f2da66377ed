// Tools of one TypeScript file in a code host of this machine. For the test that runs it: the host ends with the test.
import { toolsOf } from '../../../libs/code-host/test/bundle.ts'
import { hostsOf } from '../../../libs/code-host/test/calls.ts'
import type { Source } from '../cases/calls/code-tools.ts'
import type { Kind, Run } from '../corpus.ts'

/** `secretFile`: what each tool is told of, and may not read. */
export function codeRunner({ cases }: Kind<Source>, secretFile: string): Run<Source> {
  const sources = cases.map(({ input }) => input)
  const tools = sources.map(
    (source, at) => `const f${at} = ${source}
    export const case_${at} = defineTool({ description: 'x', parameters: any, execute: (args, context) => f${at}(args, context) })`,
  )
  const { run } = hostsOf({ hostile: toolsOf(tools.join('\n')) })
  return async (source) => {
    const signal = AbortSignal.timeout(80_000)
    const answer = await run('hostile', `case_${sources.indexOf(source)}`, { path: secretFile }, { signal })
    return JSON.stringify(answer)
  }
}
