// The tools of long-term memory, as a model is told of them.
//   MT1. What changes the memory has the id of its call at the memory service: an attempt that is made again changes nothing twice. So all
//        of them may run again after a crash.
//   MT2. Forgetting everything waits for a person (`looks`), and no grant and no word of a definition stands for that person.
import { maxKeyChars, memoryLimits } from '@reins/contracts'
import { Type } from 'typebox'
import type { ToolSpec } from '../source.ts'
import { stoppedByRunner } from '../tool.ts'

const closed = { additionalProperties: false } as const
const key = (description: string) => Type.String({ maxLength: maxKeyChars, description })

export const recallParameters = Type.Object(
  { key: Type.Optional(key('The key of the entry. Leave it out to recall everything that is remembered.')) },
  closed,
)
export const storeParameters = Type.Object(
  {
    key: Type.String({
      minLength: 1,
      maxLength: maxKeyChars,
      description: 'The key to keep it under, such as favourite_language. What was there is replaced.',
    }),
    value: Type.Unknown({ description: 'What to remember: a text, or any other JSON value.' }),
    expires: Type.Optional(
      Type.String({
        pattern: '^[1-9][0-9]{0,3}(m|h|d)$',
        description: 'How long to remember it, such as 30m, 12h or 90d. Default: for ever.',
      }),
    ),
  },
  closed,
)
export const forgetParameters = Type.Object(
  {
    key: Type.Optional(
      key('The key of the entry to forget. Without a key everything is forgotten, which a person has to approve.'),
    ),
  },
  closed,
)
export const listParameters = Type.Object(
  { prefix: Type.Optional(key('List only keys that begin with this text.')) },
  closed,
)
export const searchParameters = Type.Object(
  {
    query: Type.String({
      minLength: 1,
      maxLength: memoryLimits.queryChars,
      description: 'Words to look for in keys and values. Word forms and small spelling mistakes are found too.',
    }),
    limit: Type.Optional(Type.Integer({ minimum: 1, maximum: 50, description: 'Entries at most. Default 10.' })),
  },
  closed,
)

const tool = (
  name: string,
  description: string,
  parameters: unknown,
  risk: ToolSpec['risk'],
  more: Partial<ToolSpec> = {},
): ToolSpec => ({
  ...{ name, description, risk, replay: 'safe' },
  parameters: parameters as ToolSpec['parameters'],
  time: stoppedByRunner(30_000),
  ...more,
})

/** In the order in which a model reads them. */
export const memoryTools: readonly ToolSpec[] = [
  tool(
    'recall_memory',
    'Recall what was stored in long-term memory under a key, in this session or an earlier one. Without a key: everything.',
    recallParameters,
    'read',
  ),
  tool(
    'store_memory',
    'Store a value in long-term memory under a key, for later sessions. It replaces what the key had.',
    storeParameters,
    'write',
  ),
  tool(
    'forget_memory',
    'Forget the entry of a key in long-term memory. Without a key: everything, once a person has approved it.',
    forgetParameters,
    'write',
    { looks: true },
  ),
  tool('list_memory_keys', 'List the keys of long-term memory.', listParameters, 'read'),
  tool(
    'search_memory',
    'Search long-term memory by words, for when you do not know the key. The best matches come first.',
    searchParameters,
    'read',
  ),
]
