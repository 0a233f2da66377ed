// Sessions in quarantine, as a row of `reins doctor`.
import { fieldsOf } from '@reins/contracts'
import { askRunning } from './ask-running.ts'
import type { DoctorRow } from './doctor.ts'

const shown = 3
const most = 100

export async function quarantinedRow(dataDir: string, url: string): Promise<DoctorRow | undefined> {
  const answer = await askRunning(dataDir, url, `/v1/sessions?status=quarantined&limit=${most}`)
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
