// web mode against the services as processes: what its server answers, and the page in Chromium.
import { request } from 'node:http'
import { createClient } from '@reins/client'
import type { Serving } from '@reins/serving'
import { webMode } from '@reins/web'
import type { Browser } from 'playwright-core'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import type { ServiceProcess } from '../harness/service-process.ts'
import { World } from '../harness/world.ts'
import { type AskingServer, askForPage, askingServer, authorizePage } from './asking-server.ts'
import { type ChatPage, chromiumPath, openChat, startChromium } from './chat-page.ts'

const deadline = 240_000
const patient = { timeout: 90_000 }
let world: World
let gateway: ServiceProcess
let asking: AskingServer
let browser: Browser | undefined
let token: string | undefined
const servings = new Map<string, Promise<Serving>>()

const start = (agent: string): Promise<Serving> => {
  const server = gateway.url
  return webMode({
    ...{ agent, server, host: '127.0.0.1', port: 0, allowedHosts: [], allowedOrigins: [] },
    connect: (mine) => createClient({ baseUrl: server, ...(mine === undefined ? {} : { token: mine }) }),
    operatorToken: async () => token,
  })
}
const serve = (agent: string): Promise<Serving> => {
  const known = servings.get(agent) ?? start(agent)
  servings.set(agent, known)
  return known
}

beforeAll(async () => {
  world = await World.open()
  token = world.token
  asking = await askingServer()
  gateway = await world.start('session-gateway')
  for (const name of ['registry', 'executor', 'tool-runner', 'memory'] as const) await world.start(name)
  await world.agent('helper')
  await world.agent('careful', { approval_mode: 'always', description: 'Is careful.' })
  await world.agent('lead', { agents: ['careful'], tools: [] })
  await world.agent('far', { affinity: { room: 'far' } })
  await world.agent('planner', { planning: true })
  await world.agent('asked', { mcp_servers: [{ name: 'all', url: asking.url }] })
  if (chromiumPath !== undefined) browser = await startChromium()
}, deadline)

afterAll(async () => {
  await browser?.close()
  for (const one of servings.values()) await (await one).close({ withinMs: 500 })
  await world?.close()
  await asking?.[Symbol.asyncDispose]()
}, deadline)

interface Asked {
  readonly method?: string
  readonly headers?: Readonly<Record<string, string>>
  readonly body?: string
}
/** As it stands: fetch would correct a path, and not let a Host be set. */
async function raw(path: string, { method = 'GET', headers = {}, body }: Asked = {}) {
  const { url } = await serve('helper')
  const { hostname, port } = new URL(url)
  const { promise, resolve, reject } = Promise.withResolvers<{ status: number; headers: object; text: string }>()
  const asked = request({ hostname, port, path, method, headers }, (response) => {
    let text = ''
    response.setEncoding('utf8').on('data', (part: string) => {
      text += part
    })
    response.on('end', () => resolve({ status: response.statusCode ?? 0, headers: response.headers, text }))
  })
  asked.on('error', reject)
  asked.end(body)
  return promise
}
/** A picture of one point. */
const dot = Buffer.from(
  'iVBORw0KGgoAAAANSUhEUgAAAAEAAAABCAYAAAAfFcSJAAAADUlEQVR42mNk+M9QDwADhgGAWjR9awAAAABJRU5ErkJggg==',
  'base64',
)
const own = { 'x-reins-page': '1' }
const json = { 'content-type': 'application/json' }

describe('the server of the page', () => {
  test('gives out a page with a strict policy, and nothing of the token in any of its files', async () => {
    const { headers, text } = await raw('/')
    expect(headers).toMatchObject({
      'content-security-policy': expect.stringContaining("default-src 'none'; script-src 'self'; style-src 'self'"),
      'x-content-type-options': 'nosniff',
      'x-frame-options': 'DENY',
    })
    expect(text).not.toMatch(/<script(?![^>]* src=)|<style|https?:\/\//)
    for (const [, file = ''] of text.matchAll(/(?:src|href)="(\/assets\/[^"]+)"/g)) {
      const asset = await raw(file)
      expect([file, asset.status]).toEqual([file, 200])
      expect(asset.text).not.toContain(world.token)
    }
  })

  test.each([
    ['a page of another origin', { ...own, origin: 'https://evil.example' }, '/v1/sessions'],
    ['a page of another port', { ...own, origin: 'http://127.0.0.1:1' }, '/v1/sessions'],
    ['a page of another site, by what the browser says', { ...own, 'sec-fetch-site': 'cross-site' }, '/v1/sessions'],
    ['a page of the same site', { ...own, 'sec-fetch-site': 'same-site' }, '/v1/sessions'],
    ['a request without the header of the page', {}, '/v1/sessions'],
    ['a name that was made to lead here', { ...own, host: 'evil.example' }, '/v1/sessions'],
    ['the same for the page itself', { host: 'evil.example' }, '/'],
  ])('refuses %s', async (_, headers, path) => {
    expect((await raw(path, { headers })).status).toBe(403)
  })

  test.each([
    ...['/v1/tokens', '/v1/secrets', '/v1/sessions/../secrets', '/v1/sessions/%2e%2e/secrets', '/v1//sessions'],
    ...['/v1/sessions/a/frames', '/v1/agents', '/v1/sessions/a%2f..%2f..%2fsecrets', '/assets/../package.json'],
  ])('has no use for %s', async (path) => {
    expect((await raw(path, { headers: own })).status).toBe(404)
  })

  test('has no use of the token for another agent: its sessions are not there, not listed, not begun', async () => {
    const word = 'said-to-the-planner'
    const { session } = await world.api.create('planner', `say ${word}`)
    await world.settled(session.id)
    const of = `/v1/sessions/${session.id}`
    for (const path of [of, `${of}/events`, `${of}/outputs/c1`, `/session/${session.id}`])
      expect([path, (await raw(path, { headers: own })).status]).toEqual([path, 404])
    for (const query of ['', '?agent=planner', '?agent=planner&agent=helper', '?limit=500&agent=helper&agent=planner'])
      expect((await raw(`/v1/sessions${query}`, { headers: own })).text).not.toContain(session.id)
    const post = (path: string, body: object) =>
      raw(path, { method: 'POST', headers: { ...own, ...json }, body: JSON.stringify(body) })
    const asked = [
      await post('/v1/sessions', { agent: 'planner', message: 'say more' }),
      await post(`${of}/messages`, { content: 'say more' }),
      await post(`${of}/fork`, { message: 'say more' }),
      await post(`${of}/end`, {}),
    ]
    expect(asked.map(({ status }) => status)).toEqual([404, 404, 404, 404])
    expect((await post('/v1/sessions', { agent: 'helper', message: 'say Hello' })).status).toBe(201)
    expect(JSON.stringify(await world.readLog(session.id))).not.toContain('say more')
  })

  test('takes no other method, and no message of another page', async () => {
    expect((await raw('/v1/sessions', { method: 'DELETE', headers: own })).status).toBe(405)
    const body = JSON.stringify({ message: 'say Hello' })
    const foreign = { ...json, origin: 'https://evil.example', 'sec-fetch-site': 'cross-site' }
    expect((await raw('/chat', { method: 'POST', headers: foreign, body })).status).toBe(403)
    expect((await raw('/chat', { method: 'POST', headers: { 'content-type': 'text/plain' }, body })).status).toBe(415)
  })

  test('lets a program chat without a token', async () => {
    const { text } = await raw('/chat', { method: 'POST', headers: json, body: '{"message": "say Hello"}' })
    expect(text).toContain('"type":"session_id"')
    expect(text).toContain('{"type":"response","content":"Hello","turn":1}')
  })

  test('says what is wrong with its token, and uses one that was renewed', async () => {
    try {
      token = 'rns_gone'
      const { status, text } = await raw('/v1/sessions', { headers: own })
      expect([status, JSON.parse(text).error]).toMatchObject([401, { next: expect.stringContaining('auth login') }])
      await expect(start('helper')).rejects.toThrow('Error starting agent: 401:')
      token = undefined
      await expect(start('helper')).rejects.toThrow('Agent process started without a token')
    } finally {
      token = world.token
    }
    expect((await raw('/v1/sessions', { headers: own })).status).toBe(200)
    await expect(start('nobody')).rejects.toThrow('nobody')
  })
})

const why = chromiumPath === undefined ? ' (did not run: there is no Chromium here; apt-get install chromium)' : ''
describe.skipIf(chromiumPath === undefined)(`the chat page${why}`, () => {
  const chat = async (agent: string, path = '', options = {}): Promise<ChatPage> => {
    if (!browser) throw new Error('no browser')
    return openChat(browser, `${(await serve(agent)).url}${path}`, options)
  }
  const shown = (chat: ChatPage, text: string | RegExp) => chat.page.getByText(text).first().waitFor(patient)
  const ends = ({ page }: ChatPage, turns = 1) =>
    page
      .locator('.turn')
      .nth(turns - 1)
      .waitFor(patient)
  const waits = (chat: ChatPage) => shown(chat, 'waits for your approval')

  test('streams an answer, has an address for the session, and shows it again from there', async () => {
    const chatting = await chat('helper')
    expect(await chatting.axe()).toEqual([])
    await chatting.say('say # Title\n\nSome **bold** text.\n\n```ts\nconst a = 1\n```')
    await ends(chatting)
    expect(chatting.page.url()).toMatch(/\/s\/\w+$/)
    await chatting.page.getByRole('heading', { name: 'Title', exact: true }).waitFor(patient)
    await chatting.page.locator('.token').first().waitFor(patient)
    expect(await chatting.axe()).toEqual([])
    const again = await chat('helper', new URL(chatting.page.url()).pathname)
    await again.page.getByRole('heading', { name: 'Title', exact: true }).waitFor(patient)
    await again.page.getByRole('navigation').getByText('say # Title').first().waitFor(patient)
    expect([...chatting.faults, ...again.faults]).toEqual([])
    await chatting.close()
    await again.close()
  })

  test('takes what a model says for text: no HTML, no script, no picture from elsewhere', async () => {
    const chatting = await chat('helper')
    await chatting.say(
      'say <img src=x onerror="document.title=1"> [a](javascript:alert(1)) [b](https://example.com/x) ![p](https://evil.example/p.png)',
    )
    await ends(chatting)
    const answer = chatting.page.locator('.answer')
    // What shows an answer is loaded with the first one.
    await answer.locator('a').nth(1).waitFor(patient)
    expect(await answer.locator('img').count()).toBe(0)
    expect(await answer.locator('a').evaluateAll((all) => all.map((one) => one.getAttribute('href')))).toEqual([
      ...['https://example.com/x', 'https://evil.example/p.png'],
    ])
    expect(await answer.locator('a').first().getAttribute('rel')).toContain('noopener')
    expect(chatting.faults).toEqual([])
    await chatting.close()
  })

  test('leads nobody elsewhere than its words say, and hides nothing in an answer', async () => {
    const chatting = await chat('helper')
    await chatting.say(
      'say [https://bank.example/#evil.example](https://evil.example/a) [&#x202e;knab](https://evil.example/b) fdp&#8238;exe a&shy;b [c](vbscript:x) [d](data:text/html,x) <https://evil.example/c>',
    )
    await ends(chatting)
    const answer = chatting.page.locator('.answer')
    await answer.locator('a').nth(2).waitFor(patient)
    const text = (await answer.first().innerText()).replaceAll('\n', ' ')
    expect(text).toContain('https://bank.example/#evil.example (evil.example)')
    expect(text).toContain('\\u202eknab (evil.example)')
    expect(text).toContain('fdp\\u202eexe a\\u00adb')
    const hrefs = await answer.locator('a').evaluateAll((all) => all.map((one) => one.getAttribute('href')))
    expect(hrefs).toEqual(['a', 'b', 'c'].map((one) => `https://evil.example/${one}`))
    expect(chatting.faults).toEqual([])
    await chatting.close()
  })

  test('a command opens to what ran and what it printed, without its escape sequences', async () => {
    const chatting = await chat('helper')
    await chatting.say(`call shell {"command": "printf '\\\\033[31mred\\\\033[0m'; seq 300"}`)
    await ends(chatting)
    await chatting.page.getByRole('button', { name: /^shell/ }).click()
    const output = chatting.page.getByRole('group', { name: 'Output of shell' })
    await output.waitFor(patient)
    expect(await output.innerText()).toMatch(/^red1\n2\n/)
    expect(await output.innerText()).not.toContain('300')
    await chatting.page.getByRole('button', { name: /^Show \d+ more lines/ }).click()
    await output.getByText('300').waitFor(patient)
    expect(await chatting.axe()).toEqual([])
    await chatting.close()
  })

  test('a call is approved, edited and denied by keyboard alone', async () => {
    const chatting = await chat('careful')
    const { page } = chatting
    const back = async (name: string) => {
      const button = page.getByRole('button', { name, exact: true })
      await button.waitFor(patient)
      for (let tabs = 0; tabs < 12; tabs++) {
        if (await button.evaluate((one) => one.ownerDocument.activeElement === one)) break
        await page.keyboard.press('Shift+Tab')
      }
      await page.keyboard.press('Enter')
    }
    const write = (text: string) => `call write_file {"path": "k.txt", "content": "${text}"}`
    await chatting.say(write('one'))
    await waits(chatting)
    expect(await chatting.axe()).toEqual([])
    await back('Approve')
    await ends(chatting)
    expect(world.lines('careful/k.txt').concat(world.lines('k.txt'))).toContain('one')
    await chatting.field.waitFor()
    await chatting.say(write('two'))
    await back('Edit')
    await page.keyboard.press('ControlOrMeta+A')
    await page.keyboard.insertText('{"path": "k.txt", "content": "three"}')
    await page.keyboard.press('Tab')
    await page.keyboard.press('Enter')
    await ends(chatting, 2)
    expect(world.lines('careful/k.txt').concat(world.lines('k.txt'))).toContain('three')
    await chatting.say(write('four'))
    await back('Deny')
    await page.keyboard.type('Not this file')
    expect(await chatting.axe()).toEqual([])
    await page.keyboard.press('Enter')
    await shown(chatting, /denied by .* \(Not this file\)/)
    expect(chatting.faults).toEqual([])
    await chatting.close()
  })

  test('a server asks with a form and with a page to open, and the session goes on by itself', async () => {
    const chatting = await chat('asked')
    const { page } = chatting
    await chatting.say('call mcp__all__trigger-elicitation-request {}')
    await page.getByText('asks you').waitFor(patient)
    expect(await chatting.axe()).toEqual([])
    await page.getByRole('button', { name: 'Send', exact: true }).last().click()
    await shown(chatting, /it is required/)
    await page.getByLabel('String', { exact: true }).fill('Ada')
    await page.getByRole('button', { name: 'Send', exact: true }).first().click()
    await ends(chatting)
    await chatting.say(askForPage)
    const link = page.getByRole('link', { name: 'Click to authorize' })
    await link.waitFor(patient)
    const opened = page.context().waitForEvent('page')
    await link.click()
    const tab = await opened
    await tab.waitForURL(authorizePage)
    expect(await tab.evaluate('window.opener')).toBeNull()
    await ends(chatting, 2)
    expect(chatting.faults).toEqual([])
    await chatting.close()
  })

  test('a thought folds, an output that was cut is shown whole, a budget is raised, and a grant asks no more', async () => {
    const client = createClient({ baseUrl: gateway.url, token: world.token })
    const { session } = await client.sessions.createAndWait({
      ...{ agent: 'helper', budget: { tool_calls: 1 } },
      message: 'call shell {"command": "seq 40000"} && then call shell {"command": "echo two"}',
    })
    const chatting = await chat('helper', `/s/${session.id}`)
    const { page } = chatting
    await page
      .getByRole('button', { name: /^shell/ })
      .first()
      .click()
    await page.getByRole('button', { name: 'Show the whole output' }).click()
    await shown(chatting, /^The whole output, \d+ kB\./)
    expect(await chatting.axe()).toEqual([])
    await shown(chatting, /1 of 1 tool calls are used/)
    await page.getByLabel('New limit, in tool calls').fill('9')
    await page.getByRole('button', { name: 'Raise', exact: true }).click()
    await ends(chatting, 2)
    await page.getByText(/1 of 1 tool calls are used/).waitFor({ ...patient, state: 'detached' })
    await chatting.say('think First one thing. | Yes')
    await ends(chatting, 3)
    await page.getByRole('button', { name: /^Thought/ }).click()
    await shown(chatting, /First one thing/)
    expect(await chatting.axe()).toEqual([])
    await chatting.close()
    const asking = await chat('careful')
    await asking.say('call write_file {"path": "g.txt", "content": "one"}')
    await asking.page.getByRole('button', { name: /^(Approve every|Always approve)/ }).click()
    await ends(asking)
    await asking.say('call write_file {"path": "g.txt", "content": "two"}')
    await ends(asking, 2)
    expect(world.lines('careful/g.txt').concat(world.lines('g.txt'))).toContain('two')
    expect([...chatting.faults, ...asking.faults]).toEqual([])
    await asking.close()
  })

  test('a session that nobody serves says what it waits for', async () => {
    const chatting = await chat('far')
    await chatting.say('say hello')
    await shown(chatting, /waits for an executor with room=far; start one: reins service executor --label room=far/)
    expect(await chatting.axe()).toEqual([])
    expect(chatting.faults).toEqual([])
    await chatting.close()
  })

  test('a message waits while a turn runs, and Escape stops the turn', async () => {
    const chatting = await chat('helper')
    await chatting.say('stream 5000 every 20')
    await shown(chatting, /tok5 /)
    await chatting.say('say next')
    await chatting.page.getByRole('list', { name: 'Messages that wait' }).getByText('say next').waitFor(patient)
    expect(await chatting.axe()).toEqual([])
    await chatting.field.press('Escape')
    await shown(chatting, 'Cancelled.')
    expect(await chatting.field.evaluate((one) => one.ownerDocument.activeElement === one)).toBe(true)
    await chatting.close()
  })

  test('a plan is a checklist, and an agent below is a block inside', async () => {
    const planning = await chat('planner')
    const steps = [
      { name: 'read', description: 'Read it' },
      { name: 'write', description: 'Write it', depends_on: ['read'] },
    ]
    await planning.say(`call create_plan ${JSON.stringify({ steps })} && then call start_step {"step_name": "read"}`)
    await ends(planning)
    await planning.page.getByText('Plan: 0 of 2 done').click()
    await planning.page.getByRole('listitem').filter({ hasText: 'In work: read' }).waitFor(patient)
    expect(await planning.axe()).toEqual([])
    await planning.close()
    const leading = await chat('lead')
    const instruction = 'call write_file {\\"path\\": \\"d.txt\\", \\"content\\": \\"x\\"}'
    await leading.say(`call delegate {"agent": "careful", "instruction": "${instruction}"}`)
    await waits(leading)
    await leading.page.getByRole('button', { name: /^careful/ }).click()
    expect(await leading.axe()).toEqual([])
    await leading.page.getByRole('button', { name: 'Approve', exact: true }).click()
    await leading.page
      .locator('.nested')
      .getByRole('button', { name: /^write_file/ })
      .waitFor(patient)
    await leading.page.locator('.row-turn').first().waitFor(patient)
    expect([...planning.faults, ...leading.faults]).toEqual([])
    await leading.close()
  })

  test('the gateway is killed in the middle of an answer: the page says so, and goes on where it was', async () => {
    const chatting = await chat('helper')
    await chatting.say('stream 250 every 20')
    await shown(chatting, /tok20 /)
    await gateway.kill()
    await shown(chatting, 'Reconnecting')
    await shown(chatting, /tok20 /)
    gateway = await world.replaceGateway(gateway)
    await ends(chatting)
    const text = await chatting.page.locator('.answer').innerText()
    const expected = Array.from({ length: 250 }, (_, at) => `tok${at}`).join(' ')
    expect(
      text
        .replace(/\s+/g, ' ')
        .replace(/ Copy$/, '')
        .trim(),
    ).toBe(expected)
    expect(await chatting.page.getByText('Reconnecting').count()).toBe(0)
    expect(chatting.faults).toEqual([])
    await chatting.close()
  })

  test('a long session has only what is in sight in the page, and a reader who scrolled up is not moved', async () => {
    const client = createClient({ baseUrl: gateway.url, token: world.token })
    const { session } = await client.sessions.createAndWait({ agent: 'helper', message: 'say 0' })
    for (let n = 1; n < 25; n++) await client.sessions.sendAndWait(session.id, { content: `say answer ${n}` })
    const chatting = await chat('helper', `/s/${session.id}`)
    const { page } = chatting
    await page.locator('.answer').getByText('answer 24').waitFor(patient)
    expect(await page.locator('.row').count()).toBeLessThan(60)
    await chatting.say('stream 150 every 20')
    await shown(chatting, /tok10 /)
    const thread = page.getByRole('region', { name: 'Conversation' })
    await thread.evaluate((one) => one.scrollTo(0, 0))
    await thread.getByText('say 0', { exact: true }).waitFor(patient)
    const jump = page.getByRole('button', { name: 'Jump to newest' })
    await jump.waitFor(patient)
    await page.getByRole('button', { name: 'Stop' }).waitFor({ ...patient, state: 'detached' })
    expect(await thread.evaluate((one) => one.scrollTop)).toBe(0)
    expect(await chatting.axe()).toEqual([])
    await jump.click()
    await page.getByText(/tok149/).waitFor(patient)
    await chatting.close()
  })

  test('images are pasted, dropped and chosen, shown small, taken out by keyboard, and sent, also on a phone', async () => {
    const phone = { viewport: { width: 390, height: 844 }, hasTouch: true, isMobile: true } as const
    const chatting = await chat('helper', '', phone)
    const { page, field } = chatting
    const previews = page.getByRole('list', { name: 'Images that go with the message' }).getByRole('img')
    const named = (name: string, size: number) => ({
      ...{ name, mimeType: 'image/png' },
      buffer: Buffer.concat([dot, Buffer.alloc(size)]),
    })
    const chosen = page.waitForEvent('filechooser')
    await page.getByRole('button', { name: 'Show images' }).click()
    await (await chosen).setFiles([named('one.png', 0), named('large.png', 4_000_000)])
    await page.getByRole('alert').getByText('large.png has 4.01 MB, and an image may have 3.93 MB.').waitFor(patient)
    const given = (kind: 'paste' | 'drop', name: string) =>
      field.evaluate(
        (one, { kind, name, bytes }) => {
          const made = globalThis as unknown as Readonly<
            Record<'DataTransfer' | 'ClipboardEvent' | 'DragEvent', new (...given: readonly unknown[]) => Event>
          >
          const data = new made.DataTransfer() as unknown as { readonly items: { add(file: File): void } }
          data.items.add(new File([Uint8Array.from(bytes)], name, { type: 'image/png' }))
          const init = { bubbles: true, cancelable: true }
          one.dispatchEvent(
            kind === 'paste'
              ? new made.ClipboardEvent('paste', { ...init, clipboardData: data })
              : new made.DragEvent('drop', { ...init, dataTransfer: data }),
          )
        },
        { kind, name, bytes: [...dot] },
      )
    await given('paste', 'two.png')
    await given('drop', 'three.png')
    await expect.poll(() => previews.count(), patient).toBe(3)
    const widths = () =>
      previews.evaluateAll((all) =>
        all.map((one) => (one as unknown as { readonly naturalWidth: number }).naturalWidth),
      )
    await expect.poll(widths, patient).toEqual([1, 1, 1])
    expect(await chatting.axe()).toEqual([])
    await page.getByRole('button', { name: 'Remove two.png' }).focus()
    await page.keyboard.press('Enter')
    await expect.poll(() => previews.count(), patient).toBe(2)
    await chatting.say('say seen')
    await ends(chatting)
    expect(await previews.count()).toBe(0)
    const session = new URL(page.url()).pathname.split('/').at(-1) ?? ''
    const events = (await world.readLog(session)).flatMap(({ frame }) => frame.events)
    const images = events.flatMap((event) => (event.type === 'images.attached' ? event.data.images : []))
    expect(images).toEqual([1, 2].map(() => ({ type: 'image', mimeType: 'image/png', data: dot.toString('base64') })))
    expect(chatting.faults).toEqual([])
    await chatting.close()
  })

  test('a message is said otherwise and asked again in forks, by keyboard, also at 360 pixels', async () => {
    const narrow = { viewport: { width: 360, height: 720 }, colorScheme: 'dark' } as const
    const chatting = await chat('helper', '', narrow)
    const { page, field } = chatting
    const answered = (text: string) => page.locator('.answer').filter({ hasText: text }).waitFor(patient)
    await chatting.say('say One')
    await ends(chatting)
    await chatting.say('say Two')
    await ends(chatting, 2)
    const source = page.url()
    const edit = page.getByRole('button', { name: 'Edit in a fork' })
    expect(await edit.count()).toBe(2)
    await edit.last().focus()
    await page.keyboard.press('Enter')
    await page.waitForURL((url) => url.href !== source && url.pathname.startsWith('/s/'))
    await expect.poll(() => field.inputValue(), patient).toBe('say Two')
    await page.getByText(/^Forked from/).waitFor(patient)
    expect(await page.locator('.message').count()).toBe(1)
    await field.fill('say Three')
    await field.press('Enter')
    await ends(chatting, 2)
    expect(await page.evaluate('document.documentElement.scrollWidth - innerWidth')).toBe(0)
    expect(await chatting.axe()).toEqual([])
    const fork = page.url()
    await page.getByRole('button', { name: 'Ask again' }).last().focus()
    await page.keyboard.press('Enter')
    await page.waitForURL((url) => url.href !== fork && url.pathname.startsWith('/s/'))
    await ends(chatting, 2)
    await answered('Three')
    await page.goto(source)
    await answered('Two')
    expect(await page.locator('.message').count()).toBe(2)
    expect(chatting.faults).toEqual([])
    await chatting.close()
  })

  test('it can be used at 360 pixels, in the dark, and without motion', async () => {
    const narrow = { viewport: { width: 360, height: 720 }, colorScheme: 'dark', reducedMotion: 'reduce' } as const
    const chatting = await chat('careful', '', narrow)
    const { page } = chatting
    const tooWide = () => page.evaluate('document.documentElement.scrollWidth - innerWidth')
    await chatting.say(
      'call shell {"command": "echo a-very-long-word-that-does-not-fit-into-360-pixels-at-all-really"}',
    )
    await waits(chatting)
    expect(await tooWide()).toBe(0)
    expect(await chatting.axe()).toEqual([])
    await page.getByRole('button', { name: 'Deny', exact: true }).click()
    await page.getByRole('button', { name: 'Deny the call' }).click()
    await ends(chatting)
    await page.getByRole('button', { name: 'Sessions' }).click()
    await page.getByRole('dialog').getByRole('searchbox').fill('fit 360')
    await page.getByRole('dialog').getByRole('listitem').first().waitFor(patient)
    expect(await chatting.axe()).toEqual([])
    expect(await tooWide()).toBe(0)
    await page.keyboard.press('Escape')
    await page.getByRole('button', { name: 'More about this session' }).click()
    await page.getByRole('menuitem', { name: 'Pause' }).click()
    await shown(chatting, 'This session is paused.')
    await page.getByRole('button', { name: 'Let it go on' }).click()
    await page.getByRole('button', { name: 'More about this session' }).click()
    await page.getByRole('menuitem', { name: 'End for good' }).click()
    expect(await chatting.axe()).toEqual([])
    await page.getByRole('button', { name: 'End it' }).click()
    await shown(chatting, 'This session has ended.')
    expect(await chatting.axe()).toEqual([])
    expect(chatting.faults).toEqual([])
    await chatting.close()
  })
})
