// Chromium, with pages that do not belong to the product. Whoever starts it closes it.
import { existsSync } from 'node:fs'
import { createServer, type Server } from 'node:http'
import type { AddressInfo } from 'node:net'
import { type Browser, chromium, type Page } from 'playwright-core'
import type { PageTrick } from '../cases/doors/foreign-pages.ts'

const program = '/usr/bin/chromium'
/** undefined: it is there. */
export const noChromium = existsSync(program) ? undefined : `there is no ${program}`

export interface Target {
  readonly url: string
  readonly token: string
  readonly session: string
}

export class ForeignPages {
  readonly #browser: Browser
  readonly #server: Server
  readonly #target: Target

  private constructor(browser: Browser, server: Server, target: Target) {
    this.#browser = browser
    this.#server = server
    this.#target = target
  }

  static async start(target: Target): Promise<ForeignPages> {
    const server = createServer((_request, response) =>
      response.setHeader('content-type', 'text/html').end('<!doctype html><title>foreign</title><body></body>'),
    )
    server.on('error', () => undefined)
    await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
    const browser = await chromium.launch({
      executablePath: program,
      args: ['--no-sandbox', '--host-resolver-rules=MAP rebound.example 127.0.0.1'],
      timeout: 120_000,
    })
    return new ForeignPages(browser, server, target)
  }

  async close(): Promise<void> {
    await this.#browser.close()
    this.#server.closeAllConnections()
    await new Promise((resolve) => this.#server.close(resolve))
  }

  async try({ from, script }: PageTrick): Promise<string> {
    const context = await this.#browser.newContext()
    try {
      return await this.#ask(await context.newPage(), from, script)
    } finally {
      await context.close()
    }
  }

  async #ask(page: Page, from: PageTrick['from'], script: string): Promise<string> {
    const { url, token, session } = this.#target
    const own = `http://127.0.0.1:${(this.#server.address() as AddressInfo).port}/`
    // The answer of the product to the page's own address is an error; its origin is what counts.
    await page.goto(from === 'rebound' ? `http://rebound.example:${new URL(url).port}/` : own)
    const body =
      `const [api, token, session] = ${JSON.stringify([url, token, session])};` +
      `const run = async () => { ${script} };` +
      "return run().then(String, (error) => 'nothing: ' + error)"
    if (from !== 'sandboxed') return page.evaluate(`(async () => { ${body} })()`)
    const inner = `<script>(async () => { ${body} })().then((answer) => parent.postMessage(answer, '*'))</script>`
    return page.evaluate(
      `new Promise((resolve) => {
        addEventListener('message', (event) => resolve(String(event.data)))
        const frame = document.createElement('iframe')
        frame.sandbox = 'allow-scripts'
        frame.srcdoc = ${JSON.stringify(inner).replaceAll('</', '<\\/')}
        document.body.append(frame)
      })`,
    )
  }
}
