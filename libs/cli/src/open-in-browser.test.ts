import { expect, test } from 'vitest'
import { openInBrowser } from './open-in-browser.ts'

const page = 'https://example.com/'

test('a page is open when the opener ended well', async () => {
  expect(await openInBrowser(page, 'true')).toBe(true)
})
test('no browser is an answer, not an error: the opener fails, or is not there', async () => {
  expect(await openInBrowser(page, 'false')).toBe(false)
  expect(await openInBrowser(page, 'no-such-opener-of-pages')).toBe(false)
})
test.each(['file:///etc/passwd', 'javascript:alert(1)', '--help', 'ssh://host', ''])(
  '%j is never opened',
  async (address) => {
    expect(await openInBrowser(address, 'true')).toBe(false)
  },
)
