// A tool that is called again and again while what it is called on turns into a link to the outside, and back.
import { existsSync, mkdirSync, mkdtempSync, renameSync, rmSync, symlinkSync, writeFileSync } from 'node:fs'
import path from 'node:path'
import { judged } from '../corpus.ts'
import type { Flip, Race } from '../cases/calls/symlink-races.ts'
import type { BuiltinTools } from './builtin-tools.ts'
import type { TrappedWorkspace } from './workspace.ts'

const calls = 20

/** All different answers, one a line. The workers look while this thread swaps. */
export async function race(
  { tool, args, flip }: Race,
  tools: BuiltinTools,
  workspace: TrappedWorkspace,
): Promise<string> {
  const folder = mkdtempSync(path.join(workspace.path, 'race-'))
  const swap = swapper(flip, folder, workspace.outside)
  const prefix = path.basename(folder)
  const inRace = { ...(args as { path?: string }) }
  inRace.path = inRace.path === undefined ? prefix : `${prefix}/${inRace.path}`
  const answers = new Set<string>()
  let swapping = true
  const turn = (): void => {
    if (!swapping) return
    for (let at = 0; at < 20; at += 1) swap()
    setImmediate(turn)
  }
  turn()
  try {
    for (let at = 0; at < calls; at += 1) {
      const answer = await tools.call({ tool, args: inRace })
      const verdict = judged(answer, /^(ok|error)/)
      if (verdict.kind !== 'answered') return answer
      answers.add(answer.slice(0, 300))
    }
  } finally {
    swapping = false
    rmSync(folder, { recursive: true, force: true })
  }
  return [...answers].slice(0, 20).join('\n')
}

/** One step of what stands at `swap`; it may not find what a tool has replaced, and goes on. */
function swapper(flip: Flip, folder: string, outside: string): () => void {
  const [swap, one, other] = ['swap', 'one', 'other'].map((name) => path.join(folder, name)) as [string, string, string]
  const toFile = path.join(outside, 'secret.txt')
  const inside = path.join(folder, 'inside')
  mkdirSync(inside)
  writeFileSync(path.join(inside, 'secret.txt'), 'inside\n')
  switch (flip) {
    case 'a folder, and a link to a folder outside':
      mkdirSync(one)
      writeFileSync(path.join(one, 'secret.txt'), 'inside\n')
      symlinkSync(outside, other)
      break
    case 'a file, and a link to a file outside':
      writeFileSync(one, 'inside\n')
      symlinkSync(toFile, other)
      break
    case 'a link inside, and a link outside':
      symlinkSync('inside', one)
      symlinkSync(outside, other)
      break
    case 'nothing, and a link to a file outside':
      symlinkSync(toFile, other)
      break
    case 'a link in a circle, and a link outside':
      symlinkSync('swap', one)
      symlinkSync(toFile, other)
      break
    default:
      return flip satisfies never
  }
  const moved = (from: string, to: string): void => {
    try {
      if (existsOrLink(from)) renameSync(from, to)
    } catch {
      // The tool has put something in its place.
    }
  }
  let first = true
  return () => {
    first = !first
    if (first) {
      moved(swap, other)
      moved(one, swap)
    } else {
      moved(swap, one)
      moved(other, swap)
    }
  }
}

function existsOrLink(at: string): boolean {
  if (existsSync(at)) return true
  try {
    // A link to nothing exists too.
    renameSync(at, at)
    return true
  } catch {
    return false
  }
}
