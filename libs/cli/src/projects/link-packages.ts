// How a project outside of Reins finds @reins/agent, @reins/client and Hono, and `reins` in its scripts: links in its node_modules. Builds and
// tests need none of them.
import { access, lstat, mkdir, rm, symlink } from 'node:fs/promises'
import { createRequire } from 'node:module'
import path from 'node:path'
import { agentPackageFolder } from '@reins/project'

/** The folder of the package @reins/client. */
export const clientPackageFolder = (): string =>
  path.dirname(createRequire(import.meta.url).resolve('@reins/client/package.json'))

/** What is installed stays; a link that leads nowhere is made anew. */
export async function linkPackages(folder: string): Promise<void> {
  const agent = agentPackageFolder()
  const modules = path.join(folder, 'node_modules')
  await link(agent, path.join(modules, '@reins', 'agent'), 'dir')
  await link(clientPackageFolder(), path.join(modules, '@reins', 'client'), 'dir')
  // Types that a project's own files name: without an installation, `tsc` finds them here.
  for (const name of ['hono', '@types/node']) {
    const at = path.join(agent, '..', '..', 'node_modules', name)
    if (await isThere(at)) await link(at, path.join(modules, name), 'dir')
  }
  const program = path.join(agent, '..', '..', 'node_modules', '.bin', 'reins')
  if (await isThere(program)) await link(program, path.join(modules, '.bin', 'reins'), 'file')
}

const isThere = (place: string): Promise<boolean> =>
  access(place).then(
    () => true,
    () => false,
  )

async function link(target: string, place: string, type: 'dir' | 'file'): Promise<void> {
  if (await isThere(place)) return
  await mkdir(path.dirname(place), { recursive: true })
  if (await lstat(place).catch(() => undefined)) await rm(place)
  await symlink(target, place, type)
}
