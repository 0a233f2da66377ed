// A log in a file is put aside when it has grown large, and the oldest of those put aside goes: so logs never fill the disk.
//   RO1. Whatever cannot be renamed stays as it is: a log stops nobody.
import { renameSync, statSync } from 'node:fs'

export interface RotationOptions {
  readonly file: string
  /** Bytes from which on the file is put aside. */
  readonly mostBytes: number
  /** How many are kept beside it, as `<file>.1`, the newest, and so on. */
  readonly kept: number
  /** Opens the file anew: what is written from now on goes there. */
  reopen(): void
}

export class Rotation {
  readonly #options: RotationOptions
  #bytes: number

  constructor(options: RotationOptions) {
    this.#options = options
    this.#bytes = sizeOf(options.file)
  }

  /** So many more bytes have been handed to the file. */
  wrote(bytes: number): void {
    this.#bytes += bytes
    if (this.#bytes < this.#options.mostBytes) return
    this.#bytes = 0
    const { file, kept, reopen } = this.#options
    for (let at = kept - 1; at >= 1; at--) moved(`${file}.${at}`, `${file}.${at + 1}`)
    if (moved(file, `${file}.1`)) reopen()
  }
}

function sizeOf(file: string): number {
  try {
    return statSync(file).size
  } catch {
    return 0
  }
}

/** RO1. */
function moved(from: string, to: string): boolean {
  try {
    renameSync(from, to)
    return true
  } catch {
    return false
  }
}
