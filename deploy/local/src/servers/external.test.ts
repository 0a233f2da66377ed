import { expect, test } from 'vitest'
import { secretsInUrls } from './external.ts'

test('passwords, tokens and parameters that look like one are secrets, as they stand there and as they are', () => {
  expect(secretsInUrls('nats://me:p%40ss@a:4222,nats://you:other@c:4222')).toEqual(['p%40ss', 'p@ss', 'other'])
  expect(secretsInUrls('t0ken@a:4222')).toEqual(['t0ken'])
  expect(secretsInUrls('nats://a:4222')).toEqual([])
  expect(secretsInUrls('postgres://me:p%ZZ@h/db?sslpassword=sesame&x=1')).toEqual(['p%ZZ', 'sesame'])
  expect(secretsInUrls('postgres://me@h/db')).toEqual([])
  expect(secretsInUrls('https://me:sesame@collector.example/v1/traces?api_key=open')).toEqual(['sesame', 'open'])
  for (const none of ['', 'not a url: at all', '%']) expect(secretsInUrls(none)).toEqual([])
})
