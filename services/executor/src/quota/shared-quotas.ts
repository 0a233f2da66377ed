// The quotas of one executor on the broker: what it says to the other executors, and what it hears of them.
import { type Broker, listen } from '@reins/broker'
import {
  decodeQuotaDemand,
  decodeQuotaGranted,
  decodeQuotaRefused,
  decodeQuotaSpent,
  quotaAskSubject,
  quotaSubject,
} from '@reins/contracts'
import { ModelQuotas, type QuotaPorts } from './model-quotas.ts'

const tickMs = 250

export interface SharedQuotas {
  readonly quotas: ModelQuotas
  close(): void
}

/** The caller closes it. */
export function startQuotas(
  broker: Broker,
  ports: Pick<QuotaPorts, 'instance' | 'clock' | 'sharers' | 'metrics'>,
): SharedQuotas {
  const say = (subject: string, value: unknown): void => broker.publish(subject, JSON.stringify(value))
  const quotas = new ModelQuotas({
    ...ports,
    now: () => performance.now(),
    ask: (owner, demand) => say(quotaAskSubject(owner), demand),
    tell: (what, said) => say(quotaSubject(what), said),
    after: (ms, run) => {
      const timer = setTimeout(run, ms)
      return () => clearTimeout(timer)
    },
  })
  const hears = <T>(subject: string, decode: (text: string) => T | undefined, on: (said: T) => void) =>
    listen(broker, subject, (msg) => {
      const said = decode(msg.string())
      if (said !== undefined) on(said)
    })
  const listening = [
    hears(quotaAskSubject(ports.instance), decodeQuotaDemand, (said) => quotas.heardDemand(said)),
    hears(quotaSubject('granted'), decodeQuotaGranted, (said) => quotas.heardGranted(said)),
    hears(quotaSubject('refused'), decodeQuotaRefused, (said) => quotas.heardRefused(said)),
    hears(quotaSubject('spent'), decodeQuotaSpent, (said) => quotas.heardSpent(said)),
  ]
  const timer = setInterval(() => quotas.tick(), tickMs)
  return {
    quotas,
    close() {
      clearInterval(timer)
      quotas.close()
      for (const one of listening) one.close()
    },
  }
}
