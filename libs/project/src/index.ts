// The one door of @reins/project.
export { type Bundled, type Bundler, bundleCode, type BundleSource, openBundler } from './bundling/bundle.ts'
export { type BuiltProject, buildProject, type ProjectBuilder, projectBuilder } from './bundling/build-project.ts'
export { clientTypes } from './client-types.ts'
export { type DescribedProject, describeProject } from './discovery/describe-project.ts'
export { discover, type Discovery, type FoundModule, type FoundProject } from './discovery/discover.ts'
export { agentPackageFolder, nodeRegister } from './own-places.ts'
export { type ProjectFiles, projectTemplate } from './project-template.ts'
