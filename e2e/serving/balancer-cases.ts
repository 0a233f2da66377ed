// Two processes of api mode behind nginx, with the configuration in deploy/balancer.
import { type ChildProcess, spawn, spawnSync } from 'node:child_process'
import { once } from 'node:events'
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import path from 'node:path'
import { expect, test } from 'vitest'
import { bundledBinary } from '../harness/bundled-binary.ts'
import { eventually } from '../harness/eventually.ts'
import type { World } from '../harness/world.ts'
import { ApiClient, type Frame, textOf } from './api-client.ts'
import { freePort } from './asking-server.ts'

const configuration = path.join(import.meta.dirname, '..', '..', 'deploy', 'balancer', 'nginx.conf')
const nginx = ['nginx', '/usr/sbin/nginx'].find((program) => spawnSync(program, ['-v']).status === 0)

interface ApiProcess {
  readonly child: ChildProcess
  /** 127.0.0.1:… */
  readonly host: string
}

export function balancerCases(at: () => World): void {
  async function apiProcess(folder: string): Promise<ApiProcess> {
    const words = [await bundledBinary(), 'agent', 'start', 'helper', '--mode', 'api', '--port', '0', '--json']
    const child = spawn(process.execPath, words, {
      cwd: folder,
      env: { PATH: process.env.PATH, HOME: folder, REINS_URL: at().api.url(), REINS_TOKEN: 'of-nobody' },
      stdio: ['ignore', 'pipe', 'inherit'],
    })
    let text = ''
    child.stdout.setEncoding('utf8').on('data', (more: string) => {
      text += more
    })
    const url = await eventually(() => /"url": "(http[^"]+)"/.exec(text)?.[1])
    return { child, host: new URL(url).host }
  }

  // apt-get install nginx-light; where there is no nginx, this counts as skipped.
  test.skipIf(nginx === undefined)(
    'one of two processes behind nginx is killed in the middle of an answer, and the client goes on at the other',
    async () => {
      const folder = mkdtempSync(path.join(tmpdir(), 'reins-balancer-'))
      const apis = [await apiProcess(folder), await apiProcess(folder)]
      const port = await freePort()
      const temporary = ['client_body', 'proxy', 'fastcgi', 'uwsgi', 'scgi']
        .map((kind) => `${kind}_temp_path ${folder}/${kind};`)
        .join('\n')
      const text = readFileSync(configuration, 'utf8')
        .replace('127.0.0.1:9101', apis[0]?.host ?? '')
        .replace('127.0.0.1:9102', apis[1]?.host ?? '')
        .replace('127.0.0.1:9100', `127.0.0.1:${port}`)
        .replace('/run/reins-balancer.pid', `${folder}/nginx.pid`)
        .replace('access_log off;', `access_log off;\n${temporary}`)
        .replace('proxy_buffering off;', 'proxy_buffering off;\nadd_header reins-served-by $upstream_addr always;')
      writeFileSync(path.join(folder, 'nginx.conf'), text)
      const words = ['-c', path.join(folder, 'nginx.conf'), '-p', folder, '-e', path.join(folder, 'error.log')]
      const balancer = spawn(nginx ?? '', [...words, '-g', 'daemon off;'], { stdio: 'inherit' })
      try {
        const client = new ApiClient(() => `http://127.0.0.1:${port}`, at().token)
        await eventually(async () => (await client.fetch('/health').catch(() => undefined))?.status === 200)
        const seen: Frame[] = []
        let by = ''
        const asked = {
          body: { message: 'stream 150 every 20' },
          onHeaders: (headers: Headers) => {
            by = headers.get('reins-served-by') ?? ''
          },
        }
        await expect(
          (async () => {
            for await (const frame of client.stream('/chat', asked)) {
              seen.push(frame)
              if (seen.length !== 20) continue
              const victim = apis.find(({ host }) => host === by)
              expect(victim, by).toBeDefined()
              victim?.child.kill('SIGKILL')
            }
          })(),
        ).rejects.toThrow()
        const rest = await client.frames(`/chat?session=${seen[0]?.id}`, {
          body: {},
          lastEventId: seen.at(-1)?.cursor ?? '',
        })
        expect(rest.at(-1)).toMatchObject({ type: 'response', turn: 1 })
        expect(textOf([...seen, ...rest])).toBe(rest.at(-1)?.content)
      } finally {
        for (const child of [balancer, ...apis.map((one) => one.child)]) {
          if (child.exitCode === null && child.signalCode === null) {
            const ended = once(child, 'exit')
            child.kill('SIGTERM')
            await ended
          }
        }
        rmSync(folder, { recursive: true, force: true })
      }
    },
  )
}
