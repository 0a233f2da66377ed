// The one door of @reins/code-host.
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
export type { HostLog } from './host-process.ts'
