import { execFileSync } from 'node:child_process'
import { chmodSync, mkdirSync, mkdtempSync, rmSync, symlinkSync, writeFileSync } from 'node:fs'
import os from 'node:os'
import path from 'node:path'
import { readSkillBundle } from '@reins/skills'
import { afterEach, beforeEach, describe, expect, test } from 'vitest'
import { bundleSkills } from './skill-folder.ts'

let folder: string
beforeEach(() => {
  folder = mkdtempSync(path.join(os.tmpdir(), 'reins-skills-'))
})
afterEach(() => {
  rmSync(folder, { recursive: true, force: true })
})

function write(name: string, content: string | Uint8Array = 'x'): string {
  const place = path.join(folder, name)
  mkdirSync(path.dirname(place), { recursive: true })
  writeFileSync(place, content)
  return place
}
const skill = (name: string): string =>
  write(`${name}/SKILL.md`, `---\nname: ${name}\ndescription: Does ${name}.\n---\nSteps.\n`)

async function problems(of = folder): Promise<string> {
  const bundled = await bundleSkills(of)
  return bundled.kind === 'failed' ? bundled.problems.join('\n') : ''
}

describe('a folder of skills', () => {
  test('is bundled whole, without what tools leave behind', async () => {
    skill('pdf')
    chmodSync(write('pdf/scripts/fill.sh', 'echo'), 0o755)
    write('pdf/.git/config')
    write('pdf/node_modules/x/index.js')
    write('pdf/__pycache__/a.pyc')
    write('README.md', 'about these skills')
    write('.git/HEAD')
    const bundled = await bundleSkills(folder)
    if (bundled.kind === 'failed') throw new Error(bundled.problems.join())
    const read = readSkillBundle(bundled.text)
    if (read.kind === 'problems') throw new Error(read.problems.join())
    expect([...(read.folders.get('pdf')?.keys() ?? [])].sort()).toEqual(['SKILL.md', 'scripts/fill.sh'])
    expect(read.folders.get('pdf')?.get('scripts/fill.sh')?.executable).toBe(true)
    expect(read.folders.size).toBe(1)
    expect(bundled.text).not.toContain(folder)
  })

  test('is refused with a link in it, wherever that leads', async () => {
    skill('pdf')
    symlinkSync('/etc/passwd', path.join(folder, 'pdf/passwd.md'))
    symlinkSync('/etc', path.join(folder, 'pdf/etc'))
    symlinkSync(path.join(folder, 'pdf'), path.join(folder, 'again'))
    symlinkSync('pdf', path.join(folder, 'pdf/circle'))
    const told = await problems()
    for (const name of ['pdf/passwd.md', 'pdf/etc', 'again', 'pdf/circle'])
      expect(told).toContain(`${path.join(folder, name)}: is a link`)
  })

  test('is refused with a file that may hold secrets', async () => {
    skill('pdf')
    write('pdf/.env')
    write('pdf/deploy.key')
    write('pdf/.ssh/id_rsa')
    const told = await problems()
    for (const name of ['.env', 'deploy.key', '.ssh'])
      expect(told).toContain(`pdf/${name}: looks like a file with secrets`)
  })

  test('is refused with a pipe in it, which would never end', async () => {
    skill('pdf')
    execFileSync('mkfifo', [path.join(folder, 'pdf/pipe')])
    expect(await problems()).toContain('pdf/pipe: is no file')
  })

  test('has so many bytes at most, and the file that is too much is named', async () => {
    skill('pdf')
    write('pdf/a.bin', Buffer.alloc(3 * 1024 * 1024))
    write('pdf/z.bin', Buffer.alloc(2 * 1024 * 1024))
    expect(await problems()).toContain('pdf/z.bin: with it the skills have more than 4194304 bytes')
    rmSync(path.join(folder, 'pdf/z.bin'))
    write('pdf/b.bin', Buffer.alloc(1000 * 1024, 0xff))
    expect(await problems()).toMatch(/has \d+ bytes with all files; .* Most are in pdf\/a.bin \(3145728\)/)
  })

  test('is told what it is instead', async () => {
    const file = skill('pdf')
    expect(await problems(path.join(folder, 'none'))).toContain('there is no such folder')
    expect(await problems(file)).toContain('is a file; name a folder')
    expect(await problems(path.join(folder, 'pdf'))).toContain('is a skill itself. Name the folder that it lies in')
    mkdirSync(path.join(folder, 'empty'))
    expect(await problems(path.join(folder, 'empty'))).toContain('holds no skills')
  })
})
