// Agents whose models cannot be called, as a row of `reins doctor`: the gateway knows from its executors.
import { askRunning } from './ask-running.ts'
import type { DoctorRow } from './doctor.ts'

const most = 200

/** No row where every agent can call its model, or nobody says so. */
export async function modelsRow(dataDir: string, url: string): Promise<DoctorRow | undefined> {
  const { warnings } = await askRunning(dataDir, url, `/v1/agents?limit=${most}`)
  const said = Array.isArray(warnings) ? warnings.filter((one) => typeof one === 'string') : []
  if (said.length === 0) return undefined
  // What is so, and what to do about it.
  const parts = said.map((one) => /^(.*?)\. (.*)$/s.exec(one) ?? [one, one, ''])
  return {
    ...{ what: 'models', status: 'warning', found: parts.map(([, found]) => found).join('; ') },
    hint: [...new Set(parts.map(([, , hint]) => hint ?? ''))].join(' '),
  }
}
