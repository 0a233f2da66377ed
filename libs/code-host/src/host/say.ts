// A host's words, written at once: what was said is said, whatever the code does next.
import { writeSync } from 'node:fs'
import { frameOf, frameOfText } from '../frames.ts'
import type { FromHost } from '../messages.ts'

const output = 5

export const say = (message: FromHost): void => write(frameOf(message))

/** `json`: a FromHost as JSON already. */
export const sayText = (json: string): void => write(frameOfText(json))

function write(frame: Buffer): void {
  for (let at = 0; at < frame.length; ) at += writeSync(output, frame, at, frame.length - at)
}
