// A chaos run in words.
import type { Report } from './chaos.ts'

const shown = 12

export const failed = ({ lost, repeated, stuck, violations }: Report): boolean =>
  lost.length + repeated.length + stuck.length + violations.length > 0

export function describe(report: Report): string {
  const spread = (all: readonly number[]): string =>
    all.length === 0 ? '0' : `${all.length}, p50 ${all[Math.floor(all.length / 2)]} ms, max ${all.at(-1)} ms`
  const list = (title: string, all: readonly string[]): string[] => [
    `${title.padEnd(12)} ${all.length}`,
    ...all.slice(0, shown).map((one) => `    ${one}`),
    ...(all.length > shown ? [`    … and ${all.length - shown} more`] : []),
  ]
  const pairs = (counts: Readonly<Record<string, number | undefined>>): string =>
    Object.entries(counts)
      .map(([what, count]) => `${what} ${count}`)
      .join(', ')
  return [
    `seed         ${report.seed}, ${report.seconds} s (again: npm run chaos -- --seconds ${report.seconds} --seed ${report.seed})`,
    `faults       ${pairs(report.faults)}`,
    `load         ${pairs(report.load)}`,
    `people       ${pairs(report.people)}`,
    `asked        ${pairs(report.asked)}`,
    `trees        ${pairs(report.trees)}`,
    `sessions     ${report.sessions}, turns ${report.turns}, frames ${report.frames}, followers ${report.followers}`,
    `calls        once-only tools run ${report.toolRuns}, outcome unknown ${report.unknown}, model calls taken over ${report.takeovers}`,
    `recoveries   ${spread(report.recoveries)} (from a death to the next frame of what it held)`,
    `  of one     ${spread(report.undisturbed)} (where nothing else of its kind was hit meanwhile, nor the broker)`,
    ...list('lost', report.lost),
    ...list('repeated', report.repeated),
    ...list('stuck', report.stuck),
    ...list('violations', report.violations),
    ...(report.endedByThemselves.length > 0 ? list('ended by themselves', report.endedByThemselves) : []),
  ].join('\n')
}
