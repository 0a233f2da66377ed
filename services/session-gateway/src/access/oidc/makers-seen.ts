// Tells the registry what an identity provider says by now of people who made webhooks: these go on while nobody is here, and tell no more than
// their maker may know by the latest token that came.
//   MS1. It is told in the background, of makers of webhooks alone, and only what is news (isNews): most requests cost one look.
//   MS2. What was not heard is told again, with the next request.
import { isNews, type KeptWebhook, type Said, serviceSubject } from '@reins/contracts'
import type { CallService } from '../../ports.ts'
import type { Caller } from '../../api/caller.ts'

export interface MakersSeenOptions {
  readonly webhooks: () => readonly Pick<KeptWebhook, 'by' | 'said'>[]
  readonly call: CallService
}

const maxKept = 10_000

export class MakersSeen {
  readonly #options: MakersSeenOptions
  /** When what was looked at last of somebody was said. */
  readonly #looked = new Map<string, number>()

  constructor(options: MakersSeenOptions) {
    this.#options = options
  }

  /** Never throws. */
  seen({ by, said }: Pick<Caller, 'by' | 'said'>): void {
    if (!said || (this.#looked.get(by) ?? -1) >= said.at) return
    this.#looked.delete(by)
    this.#looked.set(by, said.at)
    const [oldest] = this.#looked.keys()
    if (this.#looked.size > maxKept && oldest !== undefined) this.#looked.delete(oldest)
    const news = this.#options.webhooks().some((one) => one.by === by && isNews(said, one.said))
    if (news) void this.#tell(by, said)
  }

  /** MS2. */
  async #tell(by: string, said: Said): Promise<void> {
    const reply = await this.#options
      .call(serviceSubject('registry', 'webhooks.said'), { by, said })
      .catch(() => undefined)
    if (!reply?.ok && this.#looked.get(by) === said.at) this.#looked.delete(by)
  }
}
