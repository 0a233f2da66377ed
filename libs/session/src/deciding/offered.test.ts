import { expect, it } from 'vitest'
import { g, given, started } from '../../test/given.ts'
import { offered } from './offered.ts'

it('what slices offer comes in their order; a slice that has nothing to give is left out', () => {
  const tool = { name: 'use_skill', description: 'Skills.', parameters: { type: 'object' } }
  const { session } = given(g(started()))
  expect(
    offered(session, [
      () => ({ section: 'Skills', tools: [tool] }),
      () => null,
      () => ({ section: 'Agents', notice: 'n' }),
    ]),
  ).toEqual({ tools: [tool], sections: ['Skills', 'Agents'], notices: ['n'] })
})

it('a session that has not begun offers nothing', () => {
  const { session } = given()
  expect(offered(session, [() => ({ section: 'Skills' })])).toEqual({ tools: [], sections: [], notices: [] })
})
