// The plain chat of the command line, against the same services: what it prints, and what it asks.
import { createClient } from '@reins/client'
import { clientProgram, runProgram } from '@reins/cli'
import { expect, test } from 'vitest'
import { type FakeContext, fakeContext, fakeServer } from '../../libs/cli/test/fakes.ts'
import type { World } from '../harness/world.ts'
import { askForPage, authorizePage } from './asking-server.ts'

interface Sitting {
  readonly context: FakeContext
  /** Types a line, once the part has been printed behind all that was waited for before. */
  say(behind: string, line: string): Promise<void>
  readonly code: Promise<number>
  readonly pages: string[]
}

export function plainCases(at: () => World): void {
  function sit(words: readonly string[], terminal = true): Sitting {
    const pages: string[] = []
    const context = fakeContext(fakeServer().client, {
      terminal,
      env: { noColor: true, dumb: false, url: at().api.url(), token: at().token },
      connect: (to) => createClient(to),
      openPage: async (url) => pages.push(url) > 0,
    })
    let from = 0
    return {
      context,
      pages,
      async say(behind, line) {
        await context.stdout.until(behind, from)
        from = context.stdout.text.indexOf(behind, from) + behind.length
        context.stdin.type(line)
      },
      code: runProgram(clientProgram(context), words, context),
    }
  }

  test('the lines of the harness, from the start to the id at the end', async () => {
    const { context, say, code } = sit(['agent', 'start', 'helper', '--plain'])
    await say('> ', 'call write_file {"path": "p.txt", "content": "x"} && then say It is written.\n')
    await say('> ', '/session\n')
    await say('> ', '/help\n')
    await say('> ', '/quit\n')
    expect([await code, context.stderr.text]).toEqual([0, ''])
    const id = /^Session: (\w{26})$/m.exec(context.stdout.text)?.[1]
    expect(context.stdout.text).toBe(
      `Reins Agent — helper
Session: ${id}
Type /help for commands, Ctrl+D to exit.

> Calling write_file(path="p.txt", content="x")... Done.

It is written.

> ${id}

> /help      list the commands
/session   print the id of this session
/image     /image screen.png shows that image with your next message; /image none takes back what goes with it
/quit      leave; the session stays
Ctrl+D leaves too. Ctrl+C cancels the current turn.

> 
Session: ${id}
`,
    )
  })

  test('messages from a pipe are sent one after the other, and shown', async () => {
    const { context, code } = sit(['agent', 'start', 'helper', '--plain'], false)
    await context.stdout.until('> ')
    context.stdin.type('say one\nsay two\n')
    context.stdin.emit('end')
    expect(await code).toBe(0)
    expect(context.stdout.text).toContain('> say one\none\n\n> say two\ntwo\n\n> \nSession: ')
  })

  test('Ctrl-C cancels the turn, and the session goes on', async () => {
    const { context, say, code } = sit(['agent', 'start', 'helper', '--plain'])
    await say('> ', 'stream 2000 every 20\n')
    await context.stdout.until('tok5 ')
    context.interrupt()
    await say('Error: The turn was cancelled.', '')
    await say('> ', 'say still here\n')
    await say('still here\n\n> ', '/quit\n')
    expect(await code).toBe(0)
  })

  test('a call waits for a key, and Enter decides nothing', async () => {
    const { context, say, code } = sit(['agent', 'start', 'careful', '--plain'])
    await say('> ', 'call write_file {"path": "q.txt", "content": "x"}\n')
    await say('denies: ', '\n')
    await say('denies: ', 'd\n')
    await say('Why not? ', 'not now\n')
    await say('> ', 'call write_file {"path": "q.txt", "content": "x"}\n')
    await say('denies: ', 'a\n')
    await say('... Done.', '')
    await say('> ', '/quit\n')
    expect(await code).toBe(0)
    expect(context.stdout.text).toContain('Calling write_file(path="q.txt", content="x")... Failed.')
  })

  test('a server names itself and its page; yes opens it and accepts, Enter says that it is done', async () => {
    const { context, say, code, pages } = sit(['agent', 'start', 'asked', '--plain'])
    await say('> ', `${askForPage}\n`)
    await say(`[all] Please allow it\n${authorizePage}\nOpen browser to authorize? [Y/n] `, 'y\n')
    await say('Press Enter when you are done there', '\n')
    await say('\n\n> ', `${askForPage}\n`)
    await say('Open browser to authorize? [Y/n] ', 'n\n')
    await say('\n\n> ', '/quit\n')
    expect([await code, pages]).toEqual([0, [authorizePage]])
    expect(context.stdout.text.match(/Open browser/g)).toHaveLength(2)
  })

  test('why tools are never called is said: they are off, or their server is not there', async () => {
    await at().agent('off', { approval_mode: 'never' })
    await at().agent('alone', { mcp_servers: [{ name: 'gone', url: 'http://127.0.0.1:9/mcp', optional: true }] })
    const off = sit(['agent', 'start', 'off', '--plain'])
    await off.say('Tools are off for this agent: its definition says approval_mode: never.', '')
    await off.say('> ', '/quit\n')
    expect(await off.code).toBe(0)
    const alone = sit(['agent', 'start', 'alone', '--plain'])
    await alone.say('> ', 'say hello\n')
    await alone.say('The MCP server gone is not available: ', '')
    await alone.say('> ', '/quit\n')
    expect(await alone.code).toBe(0)
  })

  test('a session that waits is resumed with its question; an ended one is refused, with how it ended', async () => {
    const first = sit(['agent', 'start', 'careful', '--plain'])
    await first.say('> ', 'call write_file {"path": "r.txt", "content": "x"}\n')
    await first.context.stdout.until('denies: ')
    first.context.stdin.emit('end')
    expect(await first.code).toBe(0)
    const id = /^Session: (\w{26})$/m.exec(first.context.stdout.text)?.[1] ?? ''
    const second = sit(['agent', 'start', 'careful', '--plain', '--session', id])
    await second.say('denies: ', 'a\n')
    await second.say('\n\n> ', '/quit\n')
    expect(await second.code).toBe(0)
    const stop = sit(['agent', 'stop', id])
    expect(await stop.code).toBe(0)
    await at().settled(id)
    for (const words of [
      ['agent', 'start', 'careful', '--plain', '--session', id],
      ['agent', 'session', 'resume', id],
    ]) {
      const { context, code } = sit(words)
      expect(await code).toBe(1)
      expect(context.stderr.text).toMatch(
        new RegExp(`^reins: Session ${id} ended .* \\(ended, by .*\\)\\.\n.*reins agent start careful`),
      )
    }
  })
}
