import { execFileSync } from 'node:child_process'
import { createHash } from 'node:crypto'
import { chmodSync, mkdirSync, readdirSync, readFileSync, writeFileSync } from 'node:fs'
import { createServer } from 'node:http'
import { describe, expect, it } from 'vitest'
import { type FindNatsOptions, findNatsServer } from '../src/nats/find-nats.ts'
import { Scratch } from './fixture.ts'

/** A program that says a version, as nats-server does. */
function fake(file: string, version: string): string {
  writeFileSync(file, `#!/bin/sh\necho "nats-server: v${version}"\n`)
  chmodSync(file, 0o755)
  return file
}

function options(scratch: Scratch, more: Partial<FindNatsOptions> = {}): FindNatsOptions {
  mkdirSync(scratch.in('bin'), { recursive: true })
  return {
    cacheDir: scratch.in('cache'),
    searchPath: scratch.in('bin'),
    log: () => {},
    archive: 'none',
    debianScript: 'none',
    ...more,
  }
}

/** A stand-in for the Debian route, which counts its runs. */
function fetcher(scratch: Scratch): string {
  const script = `echo run >>'${scratch.in('runs')}'
printf '#!/bin/sh\\necho nats-server: v2.15.1\\n' >"$1/nats-server"; chmod 755 "$1/nats-server"\n`
  writeFileSync(scratch.in('fetch.sh'), script)
  return scratch.in('fetch.sh')
}

async function served(bytes: Buffer, use: (url: string) => Promise<void>): Promise<void> {
  const server = createServer((_, response) => response.end(bytes))
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
  const address = server.address()
  if (typeof address !== 'object' || address === null) throw new Error('no port')
  try {
    await use(`http://127.0.0.1:${address.port}/nats-server.tar.gz`)
  } finally {
    server.closeAllConnections()
    server.close()
  }
}

describe('findNatsServer', () => {
  it('takes the one on PATH when it is new enough, else the one in the cache', async () => {
    using scratch = new Scratch()
    const options_ = options(scratch)
    mkdirSync(options_.cacheDir)
    fake(scratch.in('cache', 'nats-server'), '2.14.0')
    fake(scratch.in('bin', 'nats-server'), '2.11.9')
    expect(await findNatsServer(options_)).toMatchObject({
      sha256: expect.stringMatching(/^[0-9a-f]{64}$/),
      path: scratch.in('cache', 'nats-server'),
      version: '2.14.0',
      how: 'cache',
    })
    fake(scratch.in('bin', 'nats-server'), '2.12.0')
    expect(await findNatsServer(options_)).toMatchObject({
      sha256: expect.stringMatching(/^[0-9a-f]{64}$/),
      path: scratch.in('bin', 'nats-server'),
      version: '2.12.0',
      how: 'PATH',
    })
  })

  it('does not run what everybody may write, nor what is not the file that was installed in the cache', async () => {
    using scratch = new Scratch()
    const fetching = options(scratch, { debianScript: fetcher(scratch) })
    const open = fake(scratch.in('bin', 'nats-server'), '2.14.0')
    writeFileSync(open, `#!/bin/sh\ntouch '${scratch.in('ran')}'; echo "nats-server: v2.14.0"\n`)
    chmodSync(open, 0o757)
    const fetched = await findNatsServer(fetching)
    expect(fetched).toMatchObject({
      path: scratch.in('cache', 'nats-server'),
      version: '2.15.1',
      how: 'Debian package',
    })
    expect(await findNatsServer(fetching)).toEqual({ ...fetched, how: 'cache' })

    fake(fetched.path, '2.16.0')
    await expect(findNatsServer(options(scratch))).rejects.toThrow(/not what was installed there[\s\S]*SHA-256/)
    expect(await findNatsServer(fetching)).toEqual(fetched)
    expect(readdirSync(scratch.in())).not.toContain('ran')
    expect(readFileSync(scratch.in('runs'), 'utf8')).toBe('run\nrun\n')
  })

  it('asks the one in the cache for its version once, and writes it beside its checksum', async () => {
    using scratch = new Scratch()
    mkdirSync(scratch.in('cache'))
    const file = scratch.in('cache', 'nats-server')
    const text = `#!/bin/sh\necho run >> '${scratch.in('asked')}'; echo "nats-server: v2.14.0"\n`
    writeFileSync(file, text, { mode: 0o755 })
    writeFileSync(`${file}.sha256`, `${createHash('sha256').update(text).digest('hex')}  nats-server\n`)
    for (let time = 1; time <= 3; time++)
      expect(await findNatsServer(options(scratch))).toMatchObject({ version: '2.14.0', how: 'cache' })
    expect(readFileSync(scratch.in('asked'), 'utf8')).toBe('run\n')
  })

  it('takes the one that the operator names, and no other', async () => {
    using scratch = new Scratch()
    const explicit = fake(scratch.in('mine'), '2.13.0')
    expect((await findNatsServer(options(scratch, { explicit }))).path).toBe(explicit)
    fake(explicit, '2.9.1')
    await expect(findNatsServer(options(scratch, { explicit }))).rejects.toThrow(/REINS_NATS_SERVER=.* is 2\.9\.1/)
  })

  it('installs a release archive whose checksum is right, and nothing else', async () => {
    using scratch = new Scratch()
    mkdirSync(scratch.in('pack', 'nats-server-v2.12.7'), { recursive: true })
    fake(scratch.in('pack', 'nats-server-v2.12.7', 'nats-server'), '2.12.7')
    execFileSync('tar', ['-C', scratch.in('pack'), '-czf', scratch.in('a.tar.gz'), 'nats-server-v2.12.7'])
    const bytes = readFileSync(scratch.in('a.tar.gz'))
    const sha256 = createHash('sha256').update(bytes).digest('hex')
    await served(bytes, async (url) => {
      const wrong = findNatsServer(options(scratch, { archive: { url, sha256: '0'.repeat(64) } }))
      await expect(wrong).rejects.toThrow(/SHA-256 is .* nothing was installed/)
      expect(readdirSync(scratch.in('cache'))).not.toContain('nats-server')
      expect(await findNatsServer(options(scratch, { archive: { url, sha256 } }))).toMatchObject({
        version: '2.12.7',
        how: 'release archive',
      })
    })
  })

  it("goes on to Debian's archive when the release cannot be had", async () => {
    using scratch = new Scratch()
    const archive = { url: 'http://127.0.0.1:9/none.tar.gz', sha256: '' }
    const found = await findNatsServer(options(scratch, { archive, debianScript: fetcher(scratch) }))
    expect(found).toMatchObject({ version: '2.15.1', how: 'Debian package' })
  })

  it('fetches once when two start at once, over the lock of a dead fetcher', async () => {
    using scratch = new Scratch()
    mkdirSync(scratch.in('cache'))
    const dead = { pid: 999_999_999, started: 'x', since: '2020-01-01T00:00:00.000Z', status: 'held' }
    writeFileSync(scratch.in('cache', 'fetch.1'), JSON.stringify(dead))
    const both = options(scratch, { debianScript: fetcher(scratch) })
    const found = await Promise.all([findNatsServer(both), findNatsServer(both)])
    expect(found.map(({ how }) => how).sort()).toEqual(['Debian package', 'cache'])
    expect(readFileSync(scratch.in('runs'), 'utf8')).toBe('run\n')
  })

  it('says at the end what it tried and what to do', async () => {
    using scratch = new Scratch()
    const options_ = options(scratch, { debianScript: scratch.in('fetch.sh') })
    fake(scratch.in('bin', 'nats-server'), '2.10.3')
    writeFileSync(scratch.in('fetch.sh'), 'echo no mirror >&2; exit 3\n')
    const message = await findNatsServer(options_).then(
      () => '',
      (error: Error) => error.message,
    )
    for (const part of ['is 2.10.3', 'no mirror', 'on PATH', 'REINS_NATS_SERVER=', 'NATS_URL='])
      expect(message).toContain(part)
  })
})
