// A page in the person's browser, by the program that the desktop has for that.
//   OB1. No shell reads the address, and nothing but http and https is opened: the address comes from a server of a third party.
import { spawn } from 'node:child_process'
import process from 'node:process'
import { webPage } from './elicitations/web-page.ts'

/** Whoever starts no browser says so at once; whoever still runs by then is the browser. */
const patienceMs = 3000

/** Whether it was opened, as far as the opener tells. */
export async function openInBrowser(
  address: string,
  opener = process.platform === 'darwin' ? 'open' : 'xdg-open',
): Promise<boolean> {
  const page = webPage(address)
  if (!page) return false
  return await new Promise<boolean>((resolve) => {
    // Detached: it has no terminal to write to, and outlives the chat.
    const child = spawn(opener, [page.href], { stdio: 'ignore', detached: true })
    const patience = setTimeout(() => resolve(true), patienceMs)
    const settle = (opened: boolean) => {
      clearTimeout(patience)
      resolve(opened)
    }
    child.once('error', () => settle(false))
    child.once('exit', (code) => settle(code === 0))
    child.unref()
    patience.unref()
  })
}
