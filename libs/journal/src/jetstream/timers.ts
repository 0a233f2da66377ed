// Timers on JetStream: message schedules on TIM. A timer that is published again is replaced; one that fires for nothing changes nothing.
//   T1. An executor seals a timer for its session, its name and its time, and the broker hands that on when it fires. What fires with a sound
//       seal was armed so. Before its time it is given back until then: clocks differ, and whoever has stolen a password can have it fire.
//       Whoever hears of another one, or of one whose time is far away, asks the log: an older version armed it, or somebody who stole.
import { setTimeout as pause } from 'node:timers/promises'
import { jetstreamManager } from '@nats-io/jetstream'
import {
  type Broker,
  BrokerUnavailable,
  ensureDurable,
  type HeaderOf,
  headersOf,
  isPutByBroker,
  leadersWithinMs,
  makeHeaders,
  publishReply,
  pull,
} from '@reins/broker'
import {
  allFiredFilter,
  firedSubject,
  isSessionId,
  parseTimerSubject,
  type Seals,
  sealHeader,
  streams,
  timerSealText,
  timerSubject,
  timersDurable,
} from '@reins/contracts'
import type { Timers } from '../port.ts'

const keepFired = '168h'
const inFlight = 64
/** T1. */
const longestMs = 3_600_000

/** epoch ms: when the timer is to fire. */
const atHeader = 'Reins-Timer-At'

export interface JetStreamTimersOptions {
  readonly ackWaitMs: number
  /** epoch ms */
  now(): number
}

export async function createJetStreamTimers(broker: Broker, options: JetStreamTimersOptions): Promise<Timers> {
  const manager = await jetstreamManager(broker.nc, { checkAPI: false })

  const ensure = (withinMs = 0): Promise<void> =>
    ensureDurable(
      manager,
      streams.timers,
      {
        durable_name: timersDurable,
        filter_subject: allFiredFilter,
        ack_policy: 'explicit',
        ack_wait: options.ackWaitMs * 1e6,
        max_deliver: -1,
        max_ack_pending: 10_000,
        deliver_policy: 'all',
      },
      withinMs,
    )

  return {
    async arm(session, timer, at, signal) {
      const seal = broker.seals.sign('e', timerSealText(session, timer, String(at)))
      const headers = makeHeaders([
        ['Nats-Schedule', `@at ${new Date(at).toISOString()}`],
        ['Nats-Schedule-Target', firedSubject(session, timer)],
        ['Nats-Schedule-TTL', keepFired],
        [atHeader, String(at)],
        ...(seal === undefined ? [] : [[sealHeader, seal] as const]),
      ])
      for (;;) {
        if (signal?.aborted) throw new BrokerUnavailable('arming a timer', { cause: signal.reason })
        const outcome = await broker.request(timerSubject(session, timer), '', {
          headers,
          withinMs: 2000,
          repeatedTo: streams.timers,
        })
        if (outcome.kind === 'reply') {
          const { seq, error } = publishReply(outcome.msg.string())
          if (seq !== undefined) return
          if (error && error.code !== 503) throw new Error(`the broker refused a timer: ${error.description}`)
        }
        if (outcome.kind !== 'timed-out') await pause(100)
      }
    },
    async consumeFired(on, failed) {
      await ensure(leadersWithinMs)
      let busy = 0
      const consumption = pull(broker, {
        stream: streams.timers,
        durable: timersDurable,
        free: () => inFlight - busy,
        failed,
        recreate: ensure,
        on: (msg) => {
          const { reply } = msg
          if (!reply) return
          const parsed = parseTimerSubject(msg.subject)
          const header = headersOf(msg)
          // Nobody's timer, or put there without one: given back, it would come again for ever.
          if (!parsed || !isSessionId(parsed.session) || !header || !hasFired(parsed, header))
            return broker.publish(reply, '+TERM')
          const early = earlyBy(broker.seals, parsed, header, options.now())
          if (early !== undefined && early > 0 && early < longestMs)
            return broker.publish(reply, `-NAK ${JSON.stringify({ delay: Math.ceil(early) * 1e6 })}`)
          busy++
          on(parsed.session, parsed.timer, early !== undefined && early <= 0)
            .then(
              () => broker.publish(reply, '+ACK'),
              () => broker.publish(reply, `-NAK ${JSON.stringify({ delay: 1e9 })}`),
            )
            .catch(() => undefined)
            .finally(() => {
              busy--
              consumption.wake()
            })
        },
      })
      return consumption
    },
  }
}

/** The server names the schedule that it has fired. What else it was made to say there (LI1 of libs/broker) is no timer. */
const hasFired = (
  { session, timer }: { readonly session: string; readonly timer: string },
  header: HeaderOf,
): boolean => header('Nats-Scheduler') === timerSubject(session, timer) && !isPutByBroker(header)

/** T1. ms; undefined: nobody can say that it was armed so. */
function earlyBy(
  { check, isNewest }: Pick<Seals, 'check' | 'isNewest'>,
  { session, timer }: { readonly session: string; readonly timer: string },
  header: HeaderOf,
  now: number,
): number | undefined {
  const at = header(atHeader)
  const seal = header(sealHeader)
  const state = check('e', timerSealText(session, timer, at), seal)
  if (state === 'unknown') return 0
  return state === 'sound' && isNewest('e', seal) ? Number(at) - now : undefined
}
