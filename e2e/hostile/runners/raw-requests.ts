// Bytes over a connection, and what came back: the status of each answer, and how the connection ended.
import { connect } from 'node:net'

/** A connection on which nobody says anything is closed by this side in the end: a case may be one that needs no answer. */
const silenceMs = 20_000
/** After an answer: for another one, which there must not be. */
const afterAnswerMs = 500

export interface GoingOn {
  readonly text: string
  readonly everyMs: number
}

/** `goingOn`: what is sent again and again behind it, until the other side has had enough. */
export function sendRaw(url: string, bytes: string, goingOn?: GoingOn): Promise<string> {
  const { hostname, port } = new URL(url)
  return new Promise((resolve) => {
    let got = ''
    const socket = connect(Number(port), hostname, () => socket.write(bytes))
    const more = goingOn && setInterval(() => socket.writable && socket.write(goingOn.text), goingOn.everyMs)
    if (!goingOn) socket.setTimeout(silenceMs, () => socket.end())
    socket.on('data', (chunk) => {
      got += chunk
      socket.setTimeout(afterAnswerMs)
      if (goingOn) socket.end()
    })
    socket.on('error', () => undefined)
    socket.on('close', () => {
      clearInterval(more)
      resolve(`${statusesIn(got).join(' ')} closed`.trim())
    })
  })
}

const statusesIn = (text: string): readonly string[] =>
  [...text.matchAll(/(?:^|\}|\n)HTTP\/1\.1 (\d{3}) /g)].map(([, status = '']) => status)
