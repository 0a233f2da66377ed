// Images that go with the next message of a chat: how they come, and that they are there.
//   ID1. Each is looked at when it is attached, one after another: what a message may show depends on those before it.
//   ID2. A message that is sent while one is being read waits for it.
//   ID3. A paste that names no file which can be read is text like any other.
import type { CliContext } from '../../context.ts'
import { type ImageFile, imageIn, UnreadableImage } from '../../images/image-files.ts'
import { droppedImage, imageAsked, nameCompleted, pathBegun, pathMeant } from '../../images/image-paths.ts'
import { amount } from '../../text/amount.ts'
import { commandCompleted } from './commands.ts'
import type { Key } from './keys.ts'

export interface ImageDeskOptions {
  readonly context: Pick<CliContext, 'readBytes' | 'listFolder' | 'env'>
  /** What the person has typed so far. */
  typed(): string
  retype(text: string): void
  /** Where the cursor stands. */
  type(text: string): void
  note(text: string): void
  fail(error: unknown): void
  changed(): void
}

export class ImageDesk {
  readonly #options: ImageDeskOptions
  #images: readonly ImageFile[] = []
  #last: Promise<unknown> = Promise.resolve()

  constructor(options: ImageDeskOptions) {
    this.#options = options
  }

  get labels(): readonly string[] {
    return this.#images.map(label)
  }

  /** A file that was dropped, and Tab where something may be completed; whether the key was one of them. */
  onKey(key: Key, atEnd: boolean): boolean {
    if (key.kind === 'paste') {
      const file = droppedImage(key.text, this.#options.context.env.home)
      if (file === undefined) return false
      void this.#attach(file, () => this.#options.type(key.text))
      return true
    }
    const typed = this.#options.typed()
    if (key.kind !== 'key' || key.name !== 'tab' || !atEnd || !typed.startsWith('/')) return false
    void this.#complete(typed)
    return true
  }

  /** `/image`, and what stands behind it. */
  asked(text: string): void {
    const { note, context } = this.#options
    const asked = imageAsked(text) ?? ''
    if (asked === 'none') this.#images = []
    else if (asked !== '') void this.#attach(pathMeant(asked, context.env.home))
    else if (this.#images.length > 0) note(`With your next message: ${this.labels.join(', ')}`)
    else note('No image goes with your next message. Attach one with /image and its path, such as /image screen.png')
  }

  /** Gives those that go with a message that is sent now (ID2); the next one begins without any. */
  take(): Promise<readonly ImageFile[]> {
    return this.#next(async () => {
      const images = this.#images
      this.#images = []
      return images
    })
  }

  /** Of a message that comes back. */
  restore(images: readonly ImageFile[]): void {
    this.#images = [...images, ...this.#images]
  }

  /** `otherwise`: where the file cannot be read (ID3). */
  async #attach(file: string, otherwise?: () => void): Promise<void> {
    const { context, fail, changed } = this.#options
    try {
      await this.#next(async () => {
        this.#images = [...this.#images, await imageIn(context, file, this.#images)]
      })
    } catch (error) {
      if (otherwise && error instanceof UnreadableImage) otherwise()
      else fail(error)
    }
    changed()
  }

  async #complete(before: string): Promise<void> {
    const { context, typed, retype, changed } = this.#options
    const path = pathBegun(before, context.env.home)
    const entries = path && (await context.listFolder?.(path.folder).catch(() => undefined))
    const name = path && nameCompleted(path.begun, entries ?? [])
    const completed = path ? name && `${path.before}${name}` : commandCompleted(before)
    if (completed === undefined || typed() !== before) return
    retype(completed)
    changed()
  }

  /** ID1. */
  #next<T>(run: () => Promise<T>): Promise<T> {
    const done = this.#last.then(run)
    this.#last = done.catch(() => undefined)
    return done
  }
}

/** `screen.png (350 KB)` */
const label = ({ file, bytes }: ImageFile): string => `${file} (${amount(bytes)})`
