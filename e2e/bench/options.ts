// What `npm run bench` was asked for. Pure and total: a mistake is one sentence that shows what is valid.
import { parseArgs } from 'node:util'

export type Durability = 'fsync' | 'interval'
export type Processes = 'one' | 'five'
export const benchNames = [
  ...([
    'turns',
    'load',
    'spans',
    'code',
    'mcp',
    'approvals',
    'workflows',
    'reload',
    'long',
    'tokens',
    'resume',
    'streams',
    'recovery',
    'disk',
  ] as const),
  ...(['full', 'fleet', 'stalled', 'join', 'rest', 'archived', 'sleepers', 'waiting', 'team', 'prefix'] as const),
] as const
const besides = ['restate', 'flue'] as const
export type Beside = (typeof besides)[number]
export type BenchName = (typeof benchNames)[number]

export interface BenchOptions {
  readonly quick: boolean
  readonly only: readonly BenchName[]
  readonly durabilities: readonly Durability[]
  readonly processes: readonly Processes[]
  readonly rounds: number
  /** How many sessions `rest` and `archived` make; undefined: as many as they usually do. */
  readonly sessions: number | undefined
  /** Where the JSON goes; undefined: bench-results/<date>.json. */
  readonly out: string | undefined
  /** A file of an earlier run, against which this one is held. */
  readonly against: string | undefined
  /** Who is measured side by side with Reins, instead of everything else; undefined: nobody. */
  readonly beside: Beside | undefined
  /** A folder for V8's CPU profiles of every process of the product; figures are worth less then. */
  readonly profile: string | undefined
}

export type ParsedOptions =
  | { readonly kind: 'ok'; readonly options: BenchOptions }
  | { readonly kind: 'help' }
  | { readonly kind: 'wrong'; readonly message: string }

export const usage = `npm run bench -- [options]
  --quick                     one short round of everything
  --only <names>              ${benchNames.join(', ')}; separated by commas
  --durability <mode>         fsync, interval or both (default)
  --processes <how>           one, five or both (default)
  --rounds <number>           interleaved rounds; default 3, with --quick 1
  --sessions <number>         how many sessions rest and archived make; default 300000 and 100000, with --quick 1000
  --out <file>                where the JSON goes; default bench-results/<date>.json
  --against <file>            compare with an earlier run: ratio, spread of the rounds, and where they cannot tell
  --beside restate            tool turns and three steps of Reins and of Restate in the same rounds, and nothing else; installs
                              Restate's server (Business Source License) and SDK into the cache folder. 7 rounds, with --quick 3
  --beside flue               the same with workflows of Flue 0.10, which it installs likewise
  --profile <folder>          also write a CPU profile of each process there (figures suffer)
`

export function parseOptions(args: readonly string[]): ParsedOptions {
  const wrong = (message: string): ParsedOptions => ({ kind: 'wrong', message: `${message}\n\n${usage}` })
  let values: Partial<
    Record<
      'only' | 'durability' | 'processes' | 'rounds' | 'sessions' | 'out' | 'against' | 'profile' | 'beside',
      string
    >
  > & {
    quick?: boolean
    help?: boolean
  }
  try {
    values = parseArgs({
      args: [...args],
      options: {
        quick: { type: 'boolean' },
        help: { type: 'boolean', short: 'h' },
        only: { type: 'string' },
        durability: { type: 'string' },
        processes: { type: 'string' },
        rounds: { type: 'string' },
        sessions: { type: 'string' },
        out: { type: 'string' },
        against: { type: 'string' },
        profile: { type: 'string' },
        beside: { type: 'string' },
      },
    }).values
  } catch (error) {
    return wrong(error instanceof Error ? error.message : String(error))
  }
  if (values.help) return { kind: 'help' }
  const named = values.only?.split(',') ?? benchNames
  const only = benchNames.filter((name) => named.includes(name))
  const unknown = named.find((name) => !benchNames.some((known) => known === name))
  if (unknown !== undefined) return wrong(`--only: there is no "${unknown}"`)
  const durabilities = choose(values.durability, ['fsync', 'interval'] as const)
  if (!durabilities) return wrong(`--durability is "${values.durability}"; it must be fsync, interval or both`)
  const processes = choose(values.processes, ['one', 'five'] as const)
  if (!processes) return wrong(`--processes is "${values.processes}"; it must be one, five or both`)
  const { quick = false } = values
  const beside = besides.find((one) => one === values.beside)
  if (values.beside !== beside) return wrong(`--beside is "${values.beside}"; it must be ${besides.join(' or ')}`)
  const unused = (['only', 'durability', 'processes', 'against', 'profile', 'sessions'] as const).find(
    (name) => values[name],
  )
  if (beside !== undefined && unused !== undefined)
    return wrong(
      `--beside and --${unused} cannot be given together: --beside measures one process, synced, and what both can do`,
    )
  const usual = beside === undefined ? { quick: 1, whole: 3 } : { quick: 3, whole: 7 }
  const rounds = values.rounds === undefined ? usual[quick ? 'quick' : 'whole'] : Number(values.rounds)
  if (!Number.isSafeInteger(rounds) || rounds < 1)
    return wrong(`--rounds is "${values.rounds}"; it must be a whole number of at least 1`)
  const sessions = values.sessions === undefined ? undefined : Number(values.sessions)
  if (sessions !== undefined && !(Number.isSafeInteger(sessions) && sessions >= 100))
    return wrong(`--sessions is "${values.sessions}"; it must be a whole number of at least 100`)
  return {
    kind: 'ok',
    options: {
      ...{ quick, only, durabilities, processes, rounds, sessions },
      ...{ out: values.out, against: values.against, profile: values.profile, beside },
    },
  }
}

function choose<T extends string>(value: string | undefined, known: readonly T[]): readonly T[] | undefined {
  if (value === undefined || value === 'both') return known
  const chosen = known.filter((one) => one === value)
  return chosen.length > 0 ? chosen : undefined
}
