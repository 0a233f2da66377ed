import { expect, test } from 'vitest'
import { withoutListener } from './error-listeners.ts'

const check = (...lines: string[]): string[] =>
  withoutListener(lines.join('\n')).map(({ maker, line }) => `${maker} in line ${line}`)

test('what can fail by an event needs a listener in its file', () => {
  const lines = ["import { spawn } from 'node:child_process'", "const child = spawn('ls')"]
  expect(check(...lines)).toEqual(['spawn in line 2'])
  expect(check(...lines, "child.on('error', () => {})")).toEqual([])
  expect(check(...lines, "child.once('error', () => {})")).toEqual([])
  expect(check(...lines, "// child.on('error', () => {})")).toEqual(['spawn in line 2'])
})

test('there are as many listeners as things', () => {
  const lines = [
    "import { createWriteStream as open, type Stats } from 'node:fs'",
    "import { Worker } from 'node:worker_threads'",
    "const file = open('a')",
    "const worker = new Worker('b')",
    "worker.on('error', () => {})",
  ]
  expect(check(...lines)).toEqual(['Worker in line 4'])
  expect(check(...lines, "file.on('error', () => {})")).toEqual([])
})

test('whichever way its module is imported', () => {
  expect(check("import http from 'node:http'", 'http.createServer(() => {})')).toEqual(['http.createServer in line 2'])
  expect(check("import * as net from 'net'", 'net.connect(1)')).toEqual(['net.connect in line 2'])
  expect(check("import pg, { type PoolConfig } from 'pg'", 'const pool = new pg.Pool({})')).toEqual([
    'pg.Pool in line 2',
  ])
  expect(check('import {', '  fork,', "} from 'node:child_process'", "fork('a')")).toEqual(['fork in line 4'])
})

test('what only has the name of one is none', () => {
  expect(check("import type { spawn } from 'node:child_process'", 'spawn()')).toEqual([])
  expect(check("import { connect } from '@nats-io/transport-node'", 'await connect({})')).toEqual([])
  expect(check("import { spawn } from 'node:child_process'", 'sandbox.spawn()', 'this.#spawn()')).toEqual([])
})
