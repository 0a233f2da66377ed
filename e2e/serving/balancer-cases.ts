// Two processes of api mode behind nginx, and the web page behind one that asks for a login, with the configurations in deploy/balancer.
import { type ChildProcess, spawn, spawnSync } from 'node:child_process'
import { createHash } from 'node:crypto'
import { once } from 'node:events'
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { request } from 'node:http'
import { tmpdir } from 'node:os'
import path from 'node:path'
import { expect, test } from 'vitest'
import { bundledBinary } from '../../scripts/bundle.ts'
import { eventually } from '../harness/eventually.ts'
import type { World } from '../harness/world.ts'
import { ApiClient, type Frame, textOf } from './api-client.ts'
import { freePort } from './asking-server.ts'

const configurations = path.join(import.meta.dirname, '..', '..', 'deploy', 'balancer')
const nginx = ['nginx', '/usr/sbin/nginx'].find((program) => spawnSync(program, ['-v']).status === 0)
const caddy = ['caddy'].find((program) => spawnSync(program, ['version']).status === 0)

/** What stands before the page: its program, where that is, and how it is told of the page at `host` and of its own port. */
interface Front {
  readonly name: string
  readonly program: string | undefined
  readonly login: string
  /** Everything but TLS, whose certificate this machine has not. Gives the words of the command. */
  configure(folder: string, host: string, port: number): readonly string[]
}

const fronts: readonly Front[] = [
  {
    ...{ name: 'nginx', program: nginx, login: 'ada:open sesame' },
    configure(folder, host, port) {
      // nginx takes SHA-1 too.
      const hash = createHash('sha1').update('open sesame').digest('base64')
      writeFileSync(path.join(folder, 'reins.htpasswd'), `ada:{SHA}${hash}\n`)
      const site = readFileSync(path.join(configurations, 'nginx-web.conf'), 'utf8')
        .replace('listen 443 ssl;', `listen 127.0.0.1:${port};`)
        .replaceAll(/^ *ssl_certificate.*$/gm, '')
        .replaceAll('/etc/nginx/reins.htpasswd', `${folder}/reins.htpasswd`)
        .replace('127.0.0.1:8080', host)
      const text = `events {} pid ${folder}/nginx.pid; http { access_log off; ${temporaryIn(folder)} ${site} }`
      writeFileSync(path.join(folder, 'nginx.conf'), text)
      const words = ['-c', path.join(folder, 'nginx.conf'), '-p', folder, '-e', path.join(folder, 'error.log')]
      return [...words, '-g', 'daemon off; user root;']
    },
  },
  {
    ...{ name: 'Caddy', program: caddy, login: 'ada:demo' },
    configure(folder, host, port) {
      const site = readFileSync(path.join(configurations, 'Caddyfile'), 'utf8')
        .replace('chat.example.com {', `http://chat.example.com:${port} {\n\tbind 127.0.0.1`)
        .replace('127.0.0.1:8080', host)
      const alone = `{\n\tadmin off\n\tauto_https off\n\tstorage file_system ${folder}\n\tlog {\n\t\tlevel ERROR\n\t}\n}\n`
      writeFileSync(path.join(folder, 'Caddyfile'), alone + site)
      return ['run', '--adapter', 'caddyfile', '--config', path.join(folder, 'Caddyfile')]
    },
  },
]

interface ApiProcess {
  readonly child: ChildProcess
  /** 127.0.0.1:… */
  readonly host: string
}

export function balancerCases(at: () => World): void {
  const apiProcess = (folder: string): Promise<ApiProcess> => serving(folder, 'api', 'of-nobody')

  async function serving(
    folder: string,
    mode: 'api' | 'web',
    token: string,
    more: readonly string[] = [],
  ): Promise<ApiProcess> {
    const words = [await bundledBinary(), 'agent', 'start', 'helper', '--mode', mode, '--port', '0', '--json', ...more]
    const child = spawn(process.execPath, words, {
      cwd: folder,
      env: { PATH: process.env.PATH, HOME: folder, REINS_URL: at().api.url(), REINS_TOKEN: token },
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
      const text = readFileSync(path.join(configurations, 'nginx.conf'), 'utf8')
        .replace('127.0.0.1:9101', apis[0]?.host ?? '')
        .replace('127.0.0.1:9102', apis[1]?.host ?? '')
        .replace('127.0.0.1:9100', `127.0.0.1:${port}`)
        .replace('/run/reins-balancer.pid', `${folder}/nginx.pid`)
        .replace('access_log off;', `access_log off;\n${temporaryIn(folder)}`)
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

  // apt-get install nginx-light caddy; what is not there counts as skipped.
  test.for(fronts)('the web page behind $name asks for its login, and streams', async (front, { skip }) => {
    if (front.program === undefined) return skip(`there is no ${front.name} here`)
    const folder = mkdtempSync(path.join(tmpdir(), 'reins-page-'))
    const allowed = ['--allow-host', 'chat.example.com', '--allow-origin', 'https://chat.example.com']
    const page = await serving(folder, 'web', at().token, allowed)
    const port = await freePort()
    const words = front.configure(folder, page.host, port)
    const balancer = spawn(front.program, words, { stdio: 'inherit', env: { PATH: process.env.PATH, HOME: folder } })
    const ask = (route: string, init: { login?: boolean; headers?: Record<string, string>; body?: string }) =>
      asked(port, route, {
        ...(init.body === undefined ? {} : { body: init.body }),
        headers: {
          ...(init.login === false ? {} : { authorization: `Basic ${btoa(front.login)}` }),
          ...init.headers,
        },
      })
    try {
      await eventually(async () => (await ask('/', {}).catch(() => undefined))?.status === 200)
      expect((await ask('/', { login: false })).status).toBe(401)
      const html = await ask('/', {})
      expect([html.status, html.text]).toEqual([200, expect.stringContaining('<div id=')])
      const json = { 'content-type': 'application/json', 'x-reins-page': '1' }
      const chat = { headers: { ...json, origin: 'https://chat.example.com' }, body: '{"message":"stream 5 every 5"}' }
      const streamed = await ask('/chat', chat)
      expect([streamed.status, streamed.text]).toEqual([200, expect.stringContaining('"type":"response"')])
      const foreign = await ask('/chat', { ...chat, headers: { ...json, origin: 'https://evil.example' } })
      expect(foreign.status).toBe(403)
    } finally {
      for (const child of [balancer, page.child]) {
        const ended = once(child, 'exit')
        child.kill('SIGTERM')
        await ended
      }
      rmSync(folder, { recursive: true, force: true })
    }
  })
}

/** As a browser asks that was given this name; fetch lets no Host be set. */
async function asked(
  port: number,
  route: string,
  { headers, body }: { readonly headers: Readonly<Record<string, string>>; readonly body?: string },
): Promise<{ readonly status: number; readonly text: string }> {
  const { promise, resolve, reject } = Promise.withResolvers<{ status: number; text: string }>()
  const method = body === undefined ? 'GET' : 'POST'
  const options = {
    ...{ hostname: '127.0.0.1', port, path: route, method },
    headers: { ...headers, host: 'chat.example.com' },
  }
  const sent = request(options, (response) => {
    let text = ''
    response.setEncoding('utf8').on('data', (part: string) => {
      text += part
    })
    response.on('end', () => resolve({ status: response.statusCode ?? 0, text }))
  })
  sent.on('error', reject)
  sent.end(body)
  return promise
}

const temporaryIn = (folder: string): string =>
  ['client_body', 'proxy', 'fastcgi', 'uwsgi', 'scgi'].map((kind) => `${kind}_temp_path ${folder}/${kind};`).join('\n')
