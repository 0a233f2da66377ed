// The chat page in Chromium: found on this machine, opened, and watched for what a page must not do.
import { existsSync, readFileSync } from 'node:fs'
import { createRequire } from 'node:module'
import { type Browser, type BrowserContextOptions, chromium, type Locator, type Page } from 'playwright-core'

const require = createRequire(import.meta.url)

/** undefined: there is none, and whoever needs it says so. */
export const chromiumPath = [
  ...['/usr/bin/chromium', '/usr/bin/chromium-browser', '/usr/bin/google-chrome'],
  '/Applications/Google Chrome.app/Contents/MacOS/Google Chrome',
].find((file) => existsSync(file))

export const startChromium = (): Promise<Browser> =>
  chromium.launch({ ...(chromiumPath === undefined ? {} : { executablePath: chromiumPath }), args: ['--no-sandbox'] })

export interface ChatPage {
  readonly page: Page
  readonly field: Locator
  /** What the console said is wrong, and addresses elsewhere that were asked for. */
  readonly faults: readonly string[]
  say(text: string): Promise<void>
  /** What a screen reader would stumble over; [] is nothing. */
  axe(): Promise<readonly string[]>
  close(): Promise<void>
}

export async function openChat(browser: Browser, url: string, options: BrowserContextOptions = {}): Promise<ChatPage> {
  const context = await browser.newContext({ viewport: { width: 1200, height: 800 }, ...options })
  const { origin } = new URL(url)
  const faults: string[] = []
  // Nothing leaves this machine; what was asked for is a fault, unless it was a person who opened a tab.
  await context.route(
    (to) => to.origin !== origin,
    async (route) => {
      if (route.request().isNavigationRequest()) return route.fulfill({ body: 'elsewhere' })
      faults.push(`asked ${route.request().url()}`)
      return route.abort()
    },
  )
  context.setDefaultTimeout(90_000)
  const page = await context.newPage()
  page.on('pageerror', (error) => faults.push(error.message))
  page.on('console', (said) => {
    if (said.type() === 'error' && !/Failed to load resource/.test(said.text())) faults.push(said.text())
  })
  await page.goto(url)
  const field = page.getByRole('textbox', { name: /^Message to/ })
  return {
    page,
    field,
    faults,
    async say(text) {
      await field.fill(text)
      await field.press('Enter')
    },
    async axe() {
      await page.evaluate(readFileSync(require.resolve('axe-core/axe.min.js'), 'utf8'))
      const found = await page.evaluate<{ violations: { id: string; nodes: { html: string }[] }[] }>('axe.run()')
      return found.violations.map(
        ({ id, nodes }) => `${id}: ${nodes.map(({ html }) => html.slice(0, 200)).join(' | ')}`,
      )
    },
    close: () => context.close(),
  }
}
