// A log in a file is put aside when it has grown large, and the oldest of those put aside goes: so logs never fill the disk.
//   RO1. Whatever cannot be renamed stays as it is: a log stops nobody.
import type { LogFile } from './log-file.ts'

export interface RotationOptions {
  readonly file: Pick<LogFile, 'name' | 'rename'>
  /** That are in it. */
  readonly bytes: number
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
    this.#bytes = options.bytes
  }

  /** So many more bytes have been handed to the file. */
  wrote(bytes: number): void {
    this.#bytes += bytes
    if (this.#bytes < this.#options.mostBytes) return
    this.#bytes = 0
    const { file, kept, reopen } = this.#options
    for (let at = kept - 1; at >= 1; at--) file.rename(`${file.name}.${at}`, `${file.name}.${at + 1}`)
    if (file.rename(file.name, `${file.name}.1`)) reopen() // RO1
  }
}
