// The commands as a person or a program runs them, against a server that a test made.
import { type McpTried, ReinsError, type StreamItem } from '@reins/contracts'
import { Command } from 'commander'
import { describe, expect, test } from 'vitest'
import type { CliContext } from '../src/context.ts'
import { clientCommands, clientProgram, runProgram } from '../src/program.ts'
import {
  agent,
  event,
  type FakeServer,
  fakeContext,
  fakeServer,
  lost,
  plainTurn,
  sessionId,
  sessionInfo,
  started,
  usage,
} from './fakes.ts'

interface Ran {
  readonly code: number
  readonly out: string
  readonly err: string
}

async function reins(
  words: readonly string[],
  server: FakeServer = fakeServer(),
  options: Parameters<typeof fakeContext>[1] & { piped?: string } = {},
): Promise<Ran & { server: FakeServer; connected: { baseUrl: string; token?: string | (() => Promise<string>) }[] }> {
  const { piped, ...rest } = options
  const context = fakeContext(server.client, rest)
  const done = runProgram(clientProgram(context), words, context)
  if (piped !== undefined) {
    setImmediate(() => {
      context.stdin.type(piped)
      context.stdin.emit('end')
    })
  }
  return { code: await done, out: context.stdout.text, err: context.stderr.text, server, connected: context.connected }
}

describe('agents', () => {
  test('create with a file and flags', async () => {
    const files = { 'a.yaml': 'name: coder\nmodel: x/y\nsystem_prompt: Be.\n', 'p.txt': 'From a file.\n' }
    const { code, out, server } = await reins(
      [
        'agent',
        'create',
        'coder',
        '--file',
        'a.yaml',
        '--system-prompt-file',
        'p.txt',
        '--tools',
        'shell',
        '--tools',
        'grep',
        '--no-planning',
      ],
      fakeServer(),
      { files },
    )
    expect([code, out]).toEqual([0, 'Agent coder created: version 1, x/y.\n'])
    expect(server.asked).toEqual([
      'put coder create {"definition":{"name":"coder","model":"x/y","system_prompt":"From a file.","tools":["shell","grep"],"planning":false}}',
    ])
  })
  test('apply reads the definition from stdin', async () => {
    const piped = '\ufeffname: piped\nmodel: x/y\nsystem_prompt: Be.\n'
    const { code, server } = await reins(['agent', 'apply', '--file', '-'], fakeServer(), { piped })
    expect([code, server.asked]).toEqual([0, [`put piped apply ${JSON.stringify({ yaml: piped })}`]])
    const wrong = await reins(['agent', 'apply', '-f', '-'], fakeServer(), { piped: '- a' })
    expect(wrong.err).toMatch(/^reins: stdin does not hold the definition of an agent/)
  })
  describe('with code', () => {
    const yaml = 'name: adder\nmodel: x/y\nsystem_prompt: Add.\ntools_file: ./add.ts\ntools:\n  - file: ../mul.ts\n'
    const files = { 'agents/a.yaml': yaml, 'agents/add.ts': 'add', 'mul.ts': 'mul', 'add.ts': 'other' }
    const sent = (file: string, text: string) => ({ file, text: `bundle of ${text}` })
    test('apply sends the text as it was written, and the files that it names', async () => {
      const { code, server } = await reins(['agent', 'apply', '-f', 'agents/a.yaml'], fakeServer(), { files })
      const body = { yaml, files: [sent('./add.ts', 'add'), sent('../mul.ts', 'mul')] }
      expect([code, server.asked]).toEqual([0, [`put adder apply ${JSON.stringify(body)}`]])
    })
    test('a flag is relative to the current folder, and several may stand together', async () => {
      const { server } = await reins(
        ['agent', 'update', 'assistant', '--tools-file', 'add.ts', '--tools-file', 'mul.ts'],
        fakeServer(),
        { files },
      )
      const definition = { name: 'assistant', model: 'scripted/demo', system_prompt: 'Be brief.' }
      const body = {
        definition: { ...definition, tools_file: ['add.ts', 'mul.ts'] },
        files: [sent('add.ts', 'other'), sent('mul.ts', 'mul')],
      }
      expect(server.asked).toEqual([`put assistant update ${JSON.stringify(body)}`])
    })
    test('a file that is missing leaves everything as it is', async () => {
      const { code, err, server } = await reins(['agent', 'apply', '-f', 'a.yaml'], fakeServer(), {
        files: { 'a.yaml': yaml, 'add.ts': 'add' },
      })
      expect([code, server.asked]).toEqual([1, []])
      expect(err).toContain('nothing was sent:\n  ../mul.ts: there is no such file\n')
    })
    test('show prints path, digest and size, which can be applied where the files are not', async () => {
      const server = fakeServer()
      const tools = [
        { name: 'add', description: 'Adds.', parameters: {}, risk: 'read' as const, replay: 'safe' as const },
      ]
      const stored = { file: './add.ts', digest: `sha256-${'a'.repeat(64)}`, size: 9, tools }
      server.agents.set(
        'adder',
        agent('adder', { tools_file: stored, tools: ['shell', { ...stored, file: './b.ts' }] }),
      )
      const { out } = await reins(['agent', 'show', 'adder'], server)
      expect(out).toContain(
        `tools_file:\n  file: ./add.ts\n  digest: ${stored.digest}\n  size: 9\ntools:\n  - shell\n  - file: ./b.ts\n    digest: ${stored.digest}\n    size: 9\n`,
      )
      const applied = await reins(['agent', 'apply', '-f', 'x.yaml'], server, { files: { 'x.yaml': out } })
      expect([applied.code, server.asked]).toEqual([0, [`put adder apply ${JSON.stringify({ yaml: out })}`]])
      const simple = await reins(['agent', 'show', 'assistant', '--format', 'simple'], server)
      expect(simple.out).toContain('tools: none')
      server.agents.set('adder', agent('adder', { tools_file: stored }))
      expect((await reins(['agent', 'show', 'adder', '--format', 'simple'], server)).out).toContain(
        `tools of ./add.ts (9 bytes, ${stored.digest}): add`,
      )
    })
  })
  test('create of one that exists fails, and says what to do', async () => {
    const { code, out, err } = await reins(['agent', 'create', 'assistant', '--model', 'x/y', '--system-prompt', 'a'])
    expect([code, out]).toEqual([1, ''])
    expect(err).toBe(
      'reins: There is already an agent with this name.\nChoose another name, or change the agent with reins agent update (over HTTP: with If-Match).\n',
    )
  })
  test('update keeps what is not named, and goes by the digest that was read', async () => {
    const { server } = await reins(['agent', 'update', 'assistant', '--model', 'x/z'])
    expect(server.asked).toEqual([
      'put assistant update {"definition":{"name":"assistant","model":"x/z","system_prompt":"Be brief."}}',
    ])
  })
  test('update --file keeps what the file does not name', async () => {
    const context = fakeContext(fakeServer().client, { files: { 'a.yaml': 'system_prompt: Be long.' } })
    expect(
      await runProgram(clientProgram(context), ['agent', 'update', 'assistant', '--file', 'a.yaml', '--json'], context),
    ).toBe(0)
    expect(JSON.parse(context.stdout.text).agent.definition).toMatchObject({
      name: 'assistant',
      model: expect.stringContaining('/'),
      system_prompt: 'Be long.',
    })
  })
  test('update with nothing to change is wrong usage', async () => {
    expect(await reins(['agent', 'update', 'assistant'])).toMatchObject({ code: 2, out: '' })
  })
  test('show prints YAML, or JSON', async () => {
    const yaml = await reins(['agent', 'show', 'assistant'])
    expect(yaml.out).toBe('name: assistant\nmodel: scripted/demo\nsystem_prompt: Be brief.\n')
    for (const flags of [['--json'], ['--format', 'json']]) {
      const json = await reins(['agent', 'show', 'assistant', ...flags])
      expect(JSON.parse(json.out)).toMatchObject({ name: 'assistant', definition: { model: 'scripted/demo' } })
    }
  })
  test('list', async () => {
    const { out } = await reins(['agent', 'list'])
    expect(out).toBe(
      'NAME       MODEL          VERSION  UPDATED  DESCRIPTION\nassistant  scripted/demo        1  2m ago\n',
    )
  })
  test('a refused definition lists its problems by line', async () => {
    const server = fakeServer()
    server.client.agents.put = async () => {
      throw new ReinsError('invalid_agent', undefined, {
        details: [{ path: 'modle', message: 'is no field; did you mean model?', line: 2, column: 1 }],
      })
    }
    const { err } = await reins(['agent', 'apply', '-f', 'a.yaml'], server, {
      files: { 'a.yaml': 'name: a\nmodle: x' },
    })
    expect(err).toBe(
      'reins: The definition of the agent is not valid.\n  line 2:1: modle: is no field; did you mean model?\nCorrect the fields that the details list.\n',
    )
  })
  test('problems that the message lists too are printed once, with their places', async () => {
    const server = fakeServer()
    server.client.agents.put = async () => {
      throw new ReinsError('invalid_agent', 'The definition of the agent a is not valid:\nline 2: modle is no field', {
        details: [{ path: 'modle', message: 'is no field', line: 2, column: 1 }],
      })
    }
    const files = { 'a.yaml': 'name: a\nmodle: x' }
    const { err } = await reins(['agent', 'apply', '-f', 'a.yaml'], server, { files })
    expect(err.split('\n').slice(0, 2)).toEqual([
      'reins: The definition of the agent a is not valid:',
      '  line 2:1: modle: is no field',
    ])
    expect(err.split('is no field')).toHaveLength(2)
  })
  test('web mode speaks in the name of whoever starts it, and does not start without a token', async () => {
    const { code, err } = await reins(['agent', 'start', 'assistant', '--mode', 'web'], fakeServer(), {
      readAdminToken: async () => undefined,
    })
    expect(code).toBe(1)
    expect(err).toContain('Agent process started without a token')
    expect(err).toContain('reins auth login')
  })
})

describe('sessions', () => {
  test('list for people', async () => {
    const { out } = await reins(['session', 'list', '--agent', 'assistant', '--status', 'idle'])
    expect(out).toBe(
      `SESSION                     AGENT      STATUS  TURNS  ACTIVE  TITLE\n${sessionId}  assistant  idle        2  1m ago  List the files\n`,
    )
  })
  test("list as the agents' command, for programs", async () => {
    const { out, server } = await reins([
      'agent',
      'session',
      'list',
      'assistant',
      '--state',
      'idle',
      '--limit',
      '5',
      '--json',
    ])
    expect(JSON.parse(out)).toMatchObject({ sessions: [{ id: sessionId }] })
    expect(server.asked).toEqual(['list {"limit":5,"agent":"assistant","status":"idle"}'])
  })
  test('titles cannot drive the terminal', async () => {
    const server = fakeServer()
    server.sessions = [sessionInfo({ title: 'a\x1b[2J\nb' })]
    expect((await reins(['session', 'list'], server)).out).toContain('a␛[2J b')
  })
  test('show', async () => {
    expect((await reins(['session', 'show', sessionId])).out).toMatchInlineSnapshot(`
      "session:     01JDTESTSESSION00000000000
      title:       List the files
      agent:       assistant (d1)
      model:       scripted/demo
      status:      idle
      turns:       2
      tokens:      120 in (0 from the cache), 34 out
      created:     1970-01-01 00:16 (2m ago)
      last active: 1970-01-01 00:17 (1m ago)
      "
    `)
  })
  test('events, one line each', async () => {
    const server = fakeServer()
    server.events = [started(1, 0), ...plainTurn(2, 10, 't1', 'Hi', 'Hello\nthere')]
    expect((await reins(['session', 'events', sessionId], server)).out).toMatchInlineSnapshot(`
      "00:00:00.000 1.0    session.started        assistant scripted/demo pool any
      00:00:00.010 2.0    message.received       "Hi"
      00:00:00.011 3.0    turn.started           t1
      00:00:00.012 4.0    model-call.started     scripted/demo
      00:00:01.012 5.0    model-call.completed   Hello there
      00:00:01.013 6.0    turn.completed         answered, 120 tokens in, 34 out
      "
    `)
    const lines = (await reins(['session', 'events', sessionId, '--json'], server)).out.trim().split('\n')
    expect(lines.map((line) => JSON.parse(line).type)).toEqual(server.events.map((one) => one.type))
  })
  test('events --follow goes on until Ctrl-C', async () => {
    const server = fakeServer()
    const context = fakeContext(server.client)
    const done = runProgram(clientProgram(context), ['session', 'events', sessionId, '--follow'], context)
    server.feed.push(started(1, 0), lost, { type: 'connection', state: 'back' })
    server.feed.push(event(2, 5, 'session.renamed', { title: 'New' }))
    await context.stdout.until('session.renamed')
    context.interrupt()
    expect(await done).toBe(130)
    expect(context.stderr.text).toContain('The server does not answer. Waiting for it.')
  })
  test('a closed stdout ends quietly', async () => {
    const server = fakeServer()
    const context = fakeContext(server.client)
    const done = runProgram(clientProgram(context), ['session', 'events', sessionId, '--follow'], context)
    context.stdout.emit('error', Object.assign(new Error('write EPIPE'), { code: 'EPIPE' }))
    expect([await done, context.stderr.text]).toEqual([0, ''])
  })
  test.each([
    [['session', 'list'], 'reins: The output could not be written: no space is left on the device.'],
    [['session', 'list', '--json'], '{"error":{"code":"failed","message":"The output could not be written'],
    [['--help'], 'reins: The output could not be written'],
  ])('a full disk behind stdout fails %j, and is said', async (argv, said) => {
    const context = fakeContext(fakeServer().client)
    context.stdout.write = () => {
      setImmediate(() => context.stdout.emit('error', Object.assign(new Error('write ENOSPC'), { code: 'ENOSPC' })))
      return true
    }
    expect(await runProgram(clientProgram(context), argv, context)).toBe(1)
    expect(context.stderr.text).toContain(said)
  })
  test.each([
    ['completed', 'ended'],
    ['FAILED', 'quarantined'],
    ['Running', 'running'],
  ])('list --state %s asks for the %s ones', async (word, status) => {
    const { server } = await reins(['session', 'list', '--state', word])
    expect(server.asked).toEqual([`list {"limit":50,"status":"${status}"}`])
  })
  test('a state that does not exist is wrong usage, and the help names those that do', async () => {
    expect(await reins(['session', 'list', '--state', 'asleep'])).toMatchObject({
      code: 2,
      err: expect.stringContaining('COMPLETED and CANCELLED stand for ended'),
    })
    expect((await reins(['session', 'list', '--help'])).out).toContain('--state <status>')
  })
  test.each(
    [
      ['session', 'resume'],
      ['agent', 'session', 'resume'],
    ].map((words) => [words]),
  )('%j of an ended session fails, and says how it ended and what to do', async (words) => {
    const server = fakeServer()
    server.sessions = [sessionInfo({ status: 'ended' })]
    server.events = [started(1, 0), event(2, 5, 'session.ended', { reason: 'ended by user:me' })]
    const { code, err } = await reins([...words, sessionId], server)
    expect(code).toBe(1)
    expect(err).toContain('(ended by user:me, by test)')
    expect(err).toContain('Start a new one: reins agent start assistant.')
  })
  test('replay prints the talk where there is no terminal', async () => {
    const server = fakeServer()
    server.events = [started(1, 0), ...plainTurn(2, 10, 't1', 'Hi', 'Hello **you**')]
    expect((await reins(['session', 'replay', sessionId], server)).out).toBe(
      '› Hi\n\nHello you\n1.0s · 120 tokens in, 34 out\n',
    )
  })
  test('output prints a whole output page by page, harmless in a terminal, as it is elsewhere', async () => {
    const server = fakeServer()
    const whole = `${'line of text, äöü\n'.repeat(3)}\u001b[2J`
    server.outputs.set('k1', whole)
    const show = (words: readonly string[], terminal = false) =>
      reins(['session', 'output', sessionId, ...words], server, { terminal })
    expect((await show(['k1'])).out).toBe(whole)
    expect((await show(['k1'], true)).out).toBe(whole.replace('\u001b', '␛'))
    expect(JSON.parse((await show(['k1', '--json'])).out)).toEqual({
      ...{ session: sessionId, ref: 'k1', bytes: Buffer.byteLength(whole), output: whole },
    })
    const { code, err } = await show(['k2'])
    expect(code).toBe(1)
    expect(err).toContain('names no kept output k2')
  })
  test.each([[[]], [['--json']]])('output %j ends where the server says that there is ever more', async (words) => {
    const server = fakeServer()
    server.outputs.set('k1', 'x'.repeat(25))
    const asking = server.outputs.get.bind(server.outputs)
    let asked = 0
    server.outputs.get = (named) => asking(named)?.padEnd(25 + 10 * asked++, 'x')
    const { code, err } = await reins(['session', 'output', sessionId, 'k1', ...words], server)
    expect(code).toBe(1)
    expect(err).toContain('does not send the 25 bytes')
  })

  test('state', async () => {
    expect(JSON.parse((await reins(['session', 'state', sessionId])).out)).toEqual({ turns: 2 })
  })
  test.each(['cancel', 'pause', 'release', 'end'])('%s', async (verb) => {
    const { code, server } = await reins(['session', verb, sessionId])
    expect([code, server.asked]).toEqual([0, [`${verb} ${sessionId}`]])
  })
  test("stop of an agent's session ends it", async () => {
    expect((await reins(['agent', 'stop', sessionId])).server.asked).toEqual([`end ${sessionId}`])
  })
  test('resume lets a paused session go on', async () => {
    const server = fakeServer()
    server.sessions = [sessionInfo({ status: 'paused' })]
    expect((await reins(['session', 'resume', sessionId], server)).server.asked).toEqual([`resume ${sessionId}`])
  })
  test('verify', async () => {
    const verify: CliContext['verify'] = async () => ({ ok: true, frames: 7, problems: [], decisions: [] })
    expect(await reins(['session', 'verify', sessionId], fakeServer(), { verify })).toMatchObject({
      code: 0,
      out: '✓ 7 frames, each as it was written, none missing.\n',
    })
    const broken: CliContext['verify'] = async () => ({
      ...{ ok: false, frames: 7, problems: ['frame 3: wrong hash'], decisions: [] },
    })
    const failed = await reins(['session', 'verify', sessionId], fakeServer(), { verify: broken })
    expect([failed.code, failed.out]).toEqual([1, expect.stringContaining('  frame 3: wrong hash')])
  })
  test('verify --all names each session that is damaged or cannot be read, and goes on with the others', async () => {
    const server = fakeServer()
    const ids = ['1', '2', '3', '4'].map((n) => `01HZZZZZZZZZZZZZZZZZZZZZZ${n}`)
    server.sessions = ids.map((id) => sessionInfo({ id }))
    let full = true
    const verify: CliContext['verify'] = async (_client, id) => {
      if (full) {
        full = false
        throw new ReinsError('too_many_requests', 'The share is used up.', { details: { retryAfter: 0.001 } })
      }
      if (id === ids[1]) throw new ReinsError('session_unreadable', `${id}/3-x is damaged in the archive.`)
      const problems = id === ids[2] ? [`${id}#3: wrong`] : []
      return { ok: problems.length === 0, frames: 5, problems, decisions: [] }
    }
    const told = await reins(['session', 'verify', '--all'], server, { verify })
    expect([told.code, told.out.split('\n')]).toEqual([
      1,
      [`✗ ${ids[1]}`, `  ${ids[1]}/3-x is damaged in the archive.`, `✗ ${ids[2]}`, `  ${ids[2]}#3: wrong`, ''],
    ])
    expect(told.err).toContain('2 of 4 sessions are damaged or cannot be read')
    const lines = (await reins(['session', 'verify', '--all', '--json'], server, { verify })).out.trim().split('\n')
    expect(lines.map((line) => JSON.parse(line))).toEqual([
      { session: ids[1], problems: [`${ids[1]}/3-x is damaged in the archive.`] },
      { session: ids[2], problems: [`${ids[2]}#3: wrong`] },
      { sessions: 4, frames: 15, damaged: 2 },
    ])
    server.sessions = server.sessions.filter(({ id }) => id === ids[0])
    const sound = await reins(['session', 'verify', '--all'], server, { verify })
    expect([sound.code, sound.out]).toEqual([0, '✓ 1 session, 5 frames, each as it was written, none missing.\n'])
  })
  test('verify --all ends where the server is away, and says where to go on', async () => {
    const server = fakeServer()
    const ids = ['1', '2'].map((n) => `01HZZZZZZZZZZZZZZZZZZZZZZ${n}`)
    server.sessions = ids.map((id) => sessionInfo({ id }))
    const verify: CliContext['verify'] = async (_client, id) => {
      if (id === ids[1]) throw new ReinsError('unavailable', 'The broker does not answer.')
      return { ok: true, frames: 5, problems: [], decisions: [] }
    }
    const told = await reins(['session', 'verify', '--all', '--after', 'x1'], server, { verify })
    expect([told.code, told.err]).toEqual([1, expect.stringContaining('Go on with --after x1')])
    expect((await reins(['session', 'verify', '--all', sessionId], server, { verify })).code).toBe(2)
    expect((await reins(['session', 'verify'], server, { verify })).code).toBe(2)
  })
  test('verify says who signed each decision, and with --signed fails where nobody did', async () => {
    const base = { n: 5, call: 'k1', tool: 'shell', verdict: 'approved', approver: 'user:ada' }
    const given: string[] = []
    const verify: CliContext['verify'] = async (_client, _session, { keys }) => {
      given.push(...keys)
      const decisions = [
        { ...base, key: 'ab12', signature: 'valid' as const },
        { ...base, n: 9, signature: 'unsigned' as const },
      ]
      return { ok: true, frames: 9, problems: [], decisions }
    }
    const files = { 'other.pub': 'PEM' }
    const told = await reins(['session', 'verify', sessionId, '--key', 'other.pub'], fakeServer(), { verify, files })
    expect(told.code).toBe(0)
    expect(told.out).toContain('frame 5: user:ada approved shell (k1), signed by the gateway key ab12')
    expect(told.out).toContain('frame 9: user:ada approved shell (k1), not signed')
    expect(given).toEqual(['PEM'])
    const strict = await reins(['session', 'verify', sessionId, '--signed'], fakeServer(), { verify })
    expect([strict.code, strict.err]).toEqual([1, expect.stringContaining('1 of 2 decisions have no signature')])
    const gone = await reins(['session', 'verify', sessionId, '--key', 'none.pub'], fakeServer(), { verify })
    expect([gone.code, gone.err]).toEqual([1, expect.stringContaining('none.pub cannot be read')])
  })
})

describe('one message', () => {
  const answering = (extra: readonly StreamItem[] = []) => {
    const server = fakeServer()
    server.onMessage = () => server.feed.push(started(1, 0), ...plainTurn(2, 10, 't1', 'Hi', 'Hello **you**'), ...extra)
    return server
  }
  test('that is piped in gives the answer alone', async () => {
    const { code, out, err, server } = await reins(['chat'], answering(), { piped: 'Hi\nthere\n' })
    expect([code, out, err]).toEqual([0, 'Hello **you**\n', ''])
    expect(server.asked).toEqual(['create assistant Hi\nthere'])
  })
  test('into a session that exists, as JSON', async () => {
    const { code, out, server } = await reins(['chat', '-m', 'Hi', '--session', sessionId, '--json'], answering())
    expect(code).toBe(0)
    expect(JSON.parse(out)).toEqual({
      session: sessionId,
      messageId: 'm-t1',
      turn: 't1',
      status: 'completed',
      content: 'Hello **you**',
      usage,
    })
    expect(server.asked).toEqual([`send ${sessionId} Hi`])
  })
  test('shows images, which are looked at before anything is sent', async () => {
    const files = {
      'a.png': '\x89PNG\r\n\x1a\nA',
      'b.gif': 'GIF89aB',
      'n.txt': 'text',
      'large.png': `\x89PNG\r\n\x1a\n${'x'.repeat(4_000_000)}`,
    }
    const send = (...images: readonly string[]) =>
      reins(['chat', '-m', 'Look', ...images.flatMap((file) => ['--image', file])], answering(), { files })
    const { code, server } = await send('a.png', 'b.gif')
    expect([code, server.asked]).toEqual([
      0,
      ['create assistant Look with image/png iVBORw0KGgpB, image/gif R0lGODlhQg=='],
    ])
    for (const [file, words] of [
      ['n.txt', 'n.txt is no PNG, JPEG, GIF or WebP image, and models take no others.'],
      ['large.png', 'large.png has 4.01 MB, and an image may have 3.93 MB.'],
      ['none.png', 'The image cannot be read from none.png: no such file.'],
    ] as const) {
      const refused = await send('a.png', file)
      expect([refused.code, refused.server.asked]).toEqual([2, []])
      expect(refused.err).toContain(words)
    }
  })
  test('says on stderr which command lets it go on, where a call waits for a person', async () => {
    const server = fakeServer()
    const [received, begun, ...rest] = plainTurn(2, 10, 't1', 'Hi', 'Hello **you**')
    const waits = event(4, 15, 'approval.requested', {
      ...{
        call: 'k1',
        name: 'shell',
        arguments: { command: 'make' },
        digest: 'd'.repeat(64),
        reason: 'The definition asks.',
      },
    })
    server.onMessage = () => server.feed.push(started(1, 0), received!, begun!, waits, ...rest)
    const { code, out, err } = await reins(['chat', '-m', 'Hi'], server)
    expect([code, out]).toEqual([0, 'Hello **you**\n'])
    expect(err).toBe(
      `reins: A call of shell waits until somebody decides about it: reins approvals approve ${sessionId} k1\n`,
    )
  })
  test('whose turn fails exits with 1', async () => {
    const server = fakeServer()
    const [received, begun] = plainTurn(2, 10, 't1', 'Hi', '')
    const failed = event(5, 20, 'turn.failed', { turn: 't1', usage, error: { code: 'auth', message: 'No key.' } })
    server.onMessage = () => server.feed.push(started(1, 0), received!, begun!, failed)
    expect(await reins(['chat', '-m', 'Hi'], server)).toMatchObject({ code: 1, out: '', err: 'reins: No key.\n' })
  })
  test('interrupted by Ctrl-C is cancelled at the server', async () => {
    const server = fakeServer()
    const context = fakeContext(server.client, { sleep: () => new Promise(() => undefined) })
    const done = runProgram(clientProgram(context), ['chat', '-m', 'Hi'], context)
    await server.until('create')
    context.interrupt()
    expect([await done, server.asked.at(-1)]).toEqual([130, `cancel ${sessionId}`])
  })
  test('that is empty is wrong usage', async () => {
    expect(await reins(['chat'], fakeServer(), { piped: '\n' })).toMatchObject({ code: 2 })
  })
  test('on a terminal streams, rendered', async () => {
    const { out } = await reins(['chat', '-m', 'Hi'], answering(), { terminal: true })
    expect(out).toContain('Hello you\r\n')
    expect(out).toContain(`Go on with: reins session open ${sessionId}`)
  })
})

describe('usage', () => {
  test.each([
    [['agent']],
    [['nonsense']],
    [['agent', 'create']],
    [['agent', 'create', 'a', '--max-tokens', 'many']],
    [['session', 'list', '--status', 'odd']],
    [['chat', '--nonsense']],
    [['session', 'replay', sessionId, '--step', '--speed', '3']],
    [['agent', 'list', '--server', 'not a url']],
    [['agent', 'list', '--server', 'http://ann:s3cret@127.0.0.1:7420']],
    [['agent', 'list', '--server', 'ftp://ann:s3cret@127.0.0.1']],
  ])('%j is wrong, told on stderr, exit 2', async (words) => {
    const { code, out, err } = await reins(words)
    expect([code, out, err === '']).toEqual([2, '', false])
  })
  test('of a command that was there before is wrong in the same way', async () => {
    const context = fakeContext(fakeServer().client)
    const program = new Command('reins')
    program.command('up').action(() => undefined)
    clientCommands(program, context)
    expect(await runProgram(program, ['up', '--nonsense'], context)).toBe(2)
    expect(context.stderr.text).toContain("unknown option '--nonsense'")
    expect(await runProgram(program, ['up'], context)).toBe(0)
  })
  test('--help has examples, on stdout, exit 0', async () => {
    const { code, out } = await reins(['agent', 'create', '--help'])
    expect(code).toBe(0)
    expect(out).toContain('$ reins agent create coder --file coder.yaml')
    expect(out).toContain('--server <url>')
  })
})

describe('the server', () => {
  test('that says no is quoted, for programs as JSON', async () => {
    const server = fakeServer()
    server.client.agents.list = async () => {
      throw new ReinsError('unavailable', 'The registry does not answer.')
    }
    const { code, out, err } = await reins(['agent', 'list', '--json'], server)
    expect([code, out]).toEqual([1, ''])
    expect(JSON.parse(err)).toEqual({
      error: { code: 'unavailable', message: 'The registry does not answer.', next: expect.any(String) },
    })
  })
  test('on this machine gets the admin token; options stand before or behind the command', async () => {
    expect((await reins(['agent', 'list'])).connected).toEqual([
      { baseUrl: 'http://127.0.0.1:7420', token: 'admin-token' },
    ])
    expect((await reins(['--server', 'http://localhost:9/', 'agent', 'list', '--token', 't'])).connected).toEqual([
      { baseUrl: 'http://localhost:9', token: 't' },
    ])
  })
  test('is not asked with a token that cannot be one', async () => {
    const { code, err, connected } = await reins(['agent', 'list', '--token', 'a\nb'])
    expect([code, connected]).toEqual([2, []])
    expect(err).toContain('The token contains a character that no token has.')
  })

  test('elsewhere never gets the admin token', async () => {
    const env = { noColor: true, dumb: false, url: 'https://reins.example' }
    const without = await reins(['agent', 'list'], fakeServer(), { env })
    expect([without.code, without.connected]).toEqual([1, []])
    const given = await reins(['agent', 'list'], fakeServer(), { env: { ...env, token: 'mine' } })
    expect(given.connected).toEqual([{ baseUrl: 'https://reins.example', token: 'mine' }])
  })
})

describe('reins mcp test', () => {
  const triedTools: McpTried['tools'] = [
    { name: 'mcp__notes__read', description: 'Reads', replay: 'safe', risk: 'read' },
    { name: 'mcp__notes__wipe', description: 'Wipes', replay: 'never', risk: 'external', approval: 'ask' },
  ]
  const tried = (server: string, status: 'ready' | 'unavailable', optional = false): McpTried => ({
    ...{ server, at: 'https://mcp.example.com/mcp', status, optional, took: 12 },
    ...(status === 'ready'
      ? { about: 'notes 1.2.0', transport: 'http', protocol: '2025-06-18' }
      : { reason: 'nothing listens there (connection refused).' }),
    tools: status === 'ready' ? triedTools : [],
    notes: [],
  })

  test('tells what each server says, its tools, and how long it took', async () => {
    const server = fakeServer()
    server.tried.push(tried('notes', 'ready'), tried('other', 'unavailable', true))
    const { code, out } = await reins(['mcp', 'test', 'assistant'], server)
    expect(code).toBe(0)
    expect(out).toMatch(/✓ notes notes 1.2.0, http, 2025-06-18 .* · https:\/\/mcp.example.com\/mcp/)
    expect(out).toContain('mcp__notes__read (read, may run again) Reads')
    expect(out).toContain('mcp__notes__wipe (external, asks a person) Wipes')
    expect(out).toContain('other nothing listens there')
  })

  test('fails where a server that is not optional is not there, and gives JSON to programs', async () => {
    const server = fakeServer()
    server.tried.push(tried('notes', 'unavailable'))
    expect((await reins(['mcp', 'test', 'assistant'], server)).code).toBe(1)
    const json = await reins(['mcp', 'test', 'assistant', '--json'], server)
    expect([json.code, JSON.parse(json.out).servers[0].status]).toEqual([1, 'unavailable'])
  })
})

describe('session prompt', () => {
  const prompt = {
    ...{ session: sessionId, call: 'c2', attempt: 1, model: 'scripted/assistant', at: 0, check: 'agrees' as const },
    ...{ system: 'Be brief.', tools: [{ name: 'grep', description: 'Find.', parameters: {} }], notices: ['[Now.]'] },
    messages: [{ role: 'user' as const, content: [{ type: 'text' as const, text: 'Hello\u001b[31m' }] }],
    maxTokens: 100,
    recipe: {
      ...{ digest: 'd', parts: { system: 's', tools: 't', messages: 'm' } },
      ...{ messages: 1, fixed: 5, tokens: 9, window: 100, answer: 10, dropped: 3 },
    },
  }

  test('shows each part of what was sent, and that it is that', async () => {
    const server = fakeServer()
    server.prompts.set('c2', prompt)
    const { out, code } = await reins(['session', 'prompt', sessionId], server)
    expect(code).toBe(0)
    expect(out).toContain('Call c2, attempt 1, scripted/assistant, about 9 of 100 tokens')
    expect(out).toContain('it agrees with the digest in the log')
    expect(out).toContain('The 3 oldest messages were left out')
    for (const part of ['--- system\nBe brief.', '--- tool grep\nFind.', '--- user\nHello', '--- notice\n[Now.]'])
      expect(out).toContain(part)
    expect(out).not.toContain('\u001b[31m')
  })

  test('says which part differs, and takes a call', async () => {
    const server = fakeServer()
    server.prompts.set('c7', { ...prompt, check: 'differs', differs: ['system'] })
    const { out } = await reins(['session', 'prompt', sessionId, '--call', 'c7'], server)
    expect(out).toContain('system differs from the digest in the log')
    const missing = await reins(['session', 'prompt', sessionId, '--call', 'c9'], server)
    expect([missing.code === 0, missing.err.includes('has no model call c9')]).toEqual([false, true])
    const { out: json } = await reins(['session', 'prompt', sessionId, '--call', 'c7', '--json'], server)
    expect(JSON.parse(json)).toMatchObject({ system: 'Be brief.', check: 'differs' })
  })
})
