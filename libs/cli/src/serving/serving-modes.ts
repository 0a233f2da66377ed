// The modes of `reins agent start` that serve an agent over HTTP. One more is one more line.
import { apiMode, type ServingMode } from '@reins/serving'
import { webMode } from '@reins/web'

export const servingModes = {
  api: apiMode,
  web: webMode,
} as const satisfies Readonly<Record<string, ServingMode>>

export type ServingModeName = keyof typeof servingModes
export const isServingMode = (name: string): name is ServingModeName => Object.hasOwn(servingModes, name)
