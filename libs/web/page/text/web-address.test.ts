import { expect, test } from 'vitest'
import { sayWhere, webAddress } from './web-address.ts'

const url = webAddress('https://evil.example/x') as URL

test('words say where they lead only where they are that address or host', () => {
  for (const words of ['evil.example', 'https://evil.example', ' https://evil.example/y '])
    expect([words, sayWhere(words, url)]).toEqual([words, true])
  for (const words of [
    ...['https://bank.example/#evil.example', 'bank.example (evil.example)', 'https://evil.example@bank.example/'],
    ...['evil.example.bank.example', 'click', 'evil.example, or bank.example'],
    ...['https://bank.example@evil.example'],
  ])
    expect([words, sayWhere(words, url)]).toEqual([words, false])
})
