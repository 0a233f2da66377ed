// All kinds of the corpus, in the order of README.md.
import { allowedTargets } from './cases/decisions/allowed-targets.ts'
import { toolArguments } from './cases/calls/arguments.ts'
import { bodies } from './cases/doors/bodies.ts'
import { codeTools } from './cases/calls/code-tools.ts'
import { doorTricks } from './cases/doors/door-tricks.ts'
import { foreignPages } from './cases/doors/foreign-pages.ts'
import { forgedApprovals } from './cases/decisions/forged-approvals.ts'
import { hostileTokens } from './cases/doors/hostile-tokens.ts'
import { mcpServers } from './cases/servers/mcp-servers.ts'
import { pathEscapes } from './cases/calls/path-escapes.ts'
import { patterns } from './cases/calls/patterns.ts'
import { replays } from './cases/decisions/replays.ts'
import { schemaBombs } from './cases/servers/schemas.ts'
import { shellTricks } from './cases/calls/shell-tricks.ts'
import { slowRequests } from './cases/doors/slow-requests.ts'
import { symlinkRaces } from './cases/calls/symlink-races.ts'
import { toolNames } from './cases/servers/tool-names.ts'
import { yaml } from './cases/doors/yaml.ts'
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
