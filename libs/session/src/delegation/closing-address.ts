// Whom the end of a turn wakes: the executors of the session above, where there is one (PROTOCOL 8).
import { type Address, toExec, toLog } from '@reins/contracts'
import type { Session } from '../session.ts'

export const closingAddress = ({ born }: Session): Address => (born?.parent ? toExec(born.parent.pool) : toLog)
