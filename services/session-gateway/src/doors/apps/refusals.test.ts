// What the doors of apps refuse before anything of the app or of a session is asked.
import { createServer } from 'node:http'
import type { AddressInfo } from 'node:net'
import { expect, test } from 'vitest'
import { AgentDoor } from './agent-door.ts'
import { AppDoor } from './app-door.ts'

test('the header X-Webhook is refused, and the answer says what to do in its place', async () => {
  const asked = { headers: { 'x-webhook': 'true' }, query: {}, body: {} }
  const prompted = new AgentDoor({} as never).prompt({} as never, asked as never, new AbortController().signal)
  await expect(prompted).rejects.toMatchObject({
    code: 'invalid_request',
    message: 'The header X-Webhook is not taken here.',
    next: expect.stringContaining('call dispatch(…) there'),
  })
})

test.each([
  ['is not set', { of: async () => ({ kind: 'missing', message: 'reins config set REGION' }) }],
  ['cannot be had', { of: () => Promise.reject(new Error('no registry')) }],
])('an app of which a value %s answers with 503, tells the caller nothing of it, and is not run', async (_, values) => {
  const logged: unknown[] = []
  let ran = 0
  const hosts = { network: false, run: async () => void ran++ }
  const log = { warn: (about: unknown) => logged.push(about), info: () => undefined }
  const door = new AppDoor({ hosts, values, log } as never)
  const project = { name: 'desk', version: 1, digest: 'd' }
  const server = createServer(
    (request, response) => void door.serve({ project, url: '/x' } as never, request, response),
  )
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
  try {
    const answer = await fetch(`http://127.0.0.1:${(server.address() as AddressInfo).port}/x`)
    const text = await answer.text()
    expect([answer.status, ran, logged.length, text]).toEqual([503, 0, 1, expect.not.stringContaining('REGION')])
    expect(JSON.parse(text).error).toMatchObject({ message: expect.any(String) })
  } finally {
    server.close()
  }
})
