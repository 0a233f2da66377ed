import { expect, test } from 'vitest'
import { loadCliEnvironment } from './config.ts'

test('what the environment says', () => {
  expect(
    loadCliEnvironment({ REINS_URL: 'http://x', REINS_TOKEN: 't', NO_COLOR: '1', TERM: 'dumb', HOME: '/h' }),
  ).toEqual({ url: 'http://x', token: 't', home: '/h', noColor: true, dumb: true, stateDir: '/h/.local/state/reins' })
  expect(loadCliEnvironment({ REINS_URL: '', NO_COLOR: '', XDG_STATE_HOME: '/s' })).toEqual({
    noColor: false,
    dumb: false,
    stateDir: '/s/reins',
  })
  expect(['8000', '0', 'x', '70000'].map((port) => loadCliEnvironment({ REINS_PORT: port }).port)).toEqual([
    '8000',
    ...[undefined, undefined, undefined],
  ])
  expect(loadCliEnvironment({ npm_command: 'exec' })).toMatchObject({ typed: 'npx reins' })
  expect(loadCliEnvironment({})).toEqual({ noColor: false, dumb: false })
})
