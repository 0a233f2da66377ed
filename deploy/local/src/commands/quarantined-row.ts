// Sessions in quarantine, as a row of `reins doctor`: asked of the Reins that runs on the data folder.
//   QR1. The admin token goes to a loopback address alone, and past every proxy that the environment names.
//   QR2. Whoever may not read the token, or gets no answer, gets no row.
import { readFileSync } from 'node:fs'
import { Agent, get } from 'node:http'
import path from 'node:path'
import { fieldsOf, jsonValue } from '@reins/contracts'
import type { DoctorRow } from './doctor.ts'

const shown = 3
const most = 100
const answerWithinMs = 3000

export async function quarantinedRow(dataDir: string, url: string): Promise<DoctorRow | undefined> {
  const token = tokenIn(dataDir)
  if (token === undefined || !/^http:\/\/(127\.\d+\.\d+\.\d+|localhost|\[::1\])(:|\/|$)/.test(url)) return undefined
  const answer = fieldsOf(
    jsonValue(await textAt(new URL(`/v1/sessions?status=quarantined&limit=${most}`, url), token).catch(() => '')),
  )
  const ids = (Array.isArray(answer.sessions) ? answer.sessions : []).flatMap((one) => {
    const { id } = fieldsOf(one)
    return typeof id === 'string' ? [id] : []
  })
  if (ids.length === 0) return undefined
  const count = `${ids.length}${ids.length === most ? ' or more' : ''}`
  const names = ids.slice(0, shown).join(', ') + (ids.length > shown ? ' and others' : '')
  return {
    ...{ what: 'sessions', status: 'warning', found: `${count} in quarantine: ${names}` },
    hint: 'reins session show says why, and which frame is the evidence; reins session release lets one go on.',
  }
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
      agent: new Agent(), // QR1
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
