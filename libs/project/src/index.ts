// The one door of @reins/project.
export { type Bundled, type Bundler, bundleCode, type BundleSource, openBundler } from './bundle.ts'
export { type BuiltProject, buildProject, type ProjectBuilder, projectBuilder } from './build-project.ts'
export { type DescribedProject, describeProject } from './describe-project.ts'
export { discover, type Discovery, type FoundModule, type FoundProject } from './discover.ts'
export { agentPackageFolder, nodeRegister } from './own-places.ts'
export { type ProjectFiles, projectTemplate } from './project-template.ts'
