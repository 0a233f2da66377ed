// The one door of @reins/code-host.

export { CodeHosts, type CodeHostsOptions, type HostsAnswer } from './code-hosts.ts'
export {
  type Bundles,
  type CodeSource,
  type CodeSourceOptions,
  codeCatalog,
  codeSource,
} from './code-source.ts'
export {
  type BundleDescription,
  type BundleProblem,
  type DescribeOptions,
  describeBundle,
} from './describe-bundle.ts'
export { type Dispatches, dispatches, type DispatchesOptions } from './dispatches.ts'
export { type InitializerAnswer, type InitializerCall, Initializers } from './initializers.ts'
export { type Compact, runCompactions } from './run-compactions.ts'
export { type RunRequests, runRequests } from './run-requests.ts'
export { imageLimits, type PromptImage, promptImages } from './host/harness/prompt-images.ts'
export type { HostCall, HostLog } from './host-process.ts'
export { replayLimits } from './limits.ts'
export { readRunEnd } from './words.ts'
export type { Bundle } from './code-hosts.ts'
export type { FetchHead, FetchInput } from './messages.ts'
export type { AgentInstance, RunEnd, RunHistory, RunInput, RunResult } from './messages.ts'
