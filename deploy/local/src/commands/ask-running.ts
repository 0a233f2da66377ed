// What `reins doctor` asks of the Reins that runs on the data folder.
//   AR1. The admin token goes to a loopback address alone, and past every proxy that the environment names.
//   AR2. Whoever may not read the token, or gets no answer, learns nothing.
import { readFileSync } from 'node:fs'
import { Agent, get } from 'node:http'
import path from 'node:path'
import { fieldsOf, jsonValue } from '@reins/contracts'

const answerWithinMs = 3000

/** The fields of the answer; none where there is none. `at`: a path with its query. */
export async function askRunning(dataDir: string, url: string, at: string): Promise<Readonly<Record<string, unknown>>> {
  const token = tokenIn(dataDir)
  if (token === undefined || !/^http:\/\/(127\.\d+\.\d+\.\d+|localhost|\[::1\])(:|\/|$)/.test(url)) return {}
  return fieldsOf(jsonValue(await textAt(new URL(at, url), token).catch(() => '')))
}

function tokenIn(dataDir: string): string | undefined {
  try {
    return readFileSync(path.join(dataDir, 'admin.token'), 'utf8').trim()
  } catch {
    return undefined
  }
}

function textAt(url: URL, token: string): Promise<string> {
  return new Promise((resolve, reject) => {
    const options = {
      agent: new Agent(), // AR1
      headers: { authorization: `Bearer ${token}` },
      signal: AbortSignal.timeout(answerWithinMs),
    }
    const asked = get(url, options, (response) => {
      const pieces: Buffer[] = []
      response.on('data', (piece: Buffer) => pieces.push(piece))
      response.on('end', () => resolve(Buffer.concat(pieces).toString('utf8')))
      response.on('error', reject)
    })
    asked.on('error', reject)
  })
}
