// Turns of one client, one after another: POST with wait=turn until the answer is here.
import { writeFileSync } from 'node:fs'
import path from 'node:path'
import { type Spread, spread } from '../report/numbers.ts'
import { type Product, plainAgent, toolAgent } from '../product/product.ts'

export interface Turns {
  /** Each turn in a session of its own, which the same request creates. */
  readonly plainFresh: Spread
  /** Turns 2 to 21 of sessions: the whole history is sent each time. */
  readonly plainContinuing: Spread
  readonly toolFresh: Spread
  readonly toolContinuing: Spread
  /** The tool is edit_file: claimed before it runs, and it syncs the file. */
  readonly neverTool: Spread
}

const answer = 'say one two three four five six seven eight nine ten one two three four five six seven eight nine ten'
export const plainMessage = answer
/** A cheap tool that may run twice, with 1 KB of output, then an answer of 20 tokens. */
export const toolMessage = `read note.txt && then ${answer}`
export const turnsPerSession = 20

export async function measureTurns({ api, workspace }: Product, sessions: number): Promise<Turns> {
  const run = async (agent: string, message: string): Promise<{ fresh: number[]; continuing: number[] }> => {
    const fresh: number[] = []
    const continuing: number[] = []
    for (let i = 0; i < sessions; i++) {
      let from = performance.now()
      const session = await api.begin(agent, message)
      fresh.push(performance.now() - from)
      for (let turn = 2; turn <= turnsPerSession + 1; turn++) {
        from = performance.now()
        await api.turn(session, message)
        continuing.push(performance.now() - from)
      }
    }
    for (let i = 0; i < sessions * 4; i++) {
      const from = performance.now()
      await api.begin(agent, message)
      fresh.push(performance.now() - from)
    }
    return { fresh, continuing }
  }
  const plain = await run(plainAgent, plainMessage)
  const tool = await run(toolAgent, toolMessage)

  writeFileSync(path.join(workspace, 'flag.txt'), 'off')
  const never: number[] = []
  const session = await api.begin(toolAgent, plainMessage)
  for (let i = 0; i < sessions * 4; i++) {
    const edit = i % 2 === 0 ? 'off => on' : 'on => off'
    const from = performance.now()
    await api.turn(session, `edit flag.txt: ${edit} && then ${answer}`)
    never.push(performance.now() - from)
  }
  return {
    plainFresh: spread(plain.fresh),
    plainContinuing: spread(plain.continuing),
    toolFresh: spread(tool.fresh),
    toolContinuing: spread(tool.continuing),
    neverTool: spread(never),
  }
}

/** Until the code is compiled and the pools are there. */
export async function warmUp({ api }: Product, turns: number): Promise<void> {
  for (let i = 0; i < turns; i += 5) {
    const session = await api.begin(toolAgent, toolMessage)
    for (let turn = 0; turn < 4; turn++) await api.turn(session, turn % 2 === 0 ? plainMessage : toolMessage)
  }
}
