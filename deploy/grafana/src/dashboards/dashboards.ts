// The dashboards: each answers the questions of an operator about one thing.
import type { DashboardDefinition } from '../panels.ts'
import { approvals } from './approvals.ts'
import { fleet } from './fleet.ts'
import { models } from './models.ts'
import { sessions } from './sessions.ts'
import { store } from './store.ts'
import { tools } from './tools.ts'

export const dashboards: readonly DashboardDefinition[] = [fleet, sessions, models, tools, approvals, store]
