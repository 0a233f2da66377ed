// All kinds of the corpus, in the order of README.md.
import { allowedTargets } from './cases/allowed-targets.ts'
import { toolArguments } from './cases/arguments.ts'
import { bodies } from './cases/bodies.ts'
import { codeTools } from './cases/code-tools.ts'
import { doorTricks } from './cases/door-tricks.ts'
import { foreignPages } from './cases/foreign-pages.ts'
import { forgedApprovals } from './cases/forged-approvals.ts'
import { hostileTokens } from './cases/hostile-tokens.ts'
import { mcpServers } from './cases/mcp-servers.ts'
import { pathEscapes } from './cases/path-escapes.ts'
import { patterns } from './cases/patterns.ts'
import { replays } from './cases/replays.ts'
import { schemaBombs } from './cases/schemas.ts'
import { shellTricks } from './cases/shell-tricks.ts'
import { slowRequests } from './cases/slow-requests.ts'
import { symlinkRaces } from './cases/symlink-races.ts'
import { toolNames } from './cases/tool-names.ts'
import { yaml } from './cases/yaml.ts'
import type { Kind } from './corpus.ts'

export const kinds: readonly Kind<unknown>[] = [
  pathEscapes,
  symlinkRaces,
  shellTricks,
  patterns,
  schemaBombs,
  toolNames,
  toolArguments,
  codeTools,
  mcpServers,
  yaml,
  bodies,
  allowedTargets,
  forgedApprovals,
  replays,
  hostileTokens,
  doorTricks,
  slowRequests,
  foreignPages,
]
