// The one door of @reins/code-host.
export {
  type BundleDescription,
  type BundleProblem,
  DescribedTool,
  type DescribeOptions,
  describeBundle,
} from './describe-bundle.ts'
