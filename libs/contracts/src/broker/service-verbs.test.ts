import { expect, test } from 'vitest'
import { memoryToolQuestions, memoryVerb } from '../memory/entries.ts'
import { type AskedService, mayAsk, serviceVerbs } from './service-verbs.ts'

const all = (Object.keys(serviceVerbs) as AskedService[]).flatMap((service) =>
  Object.keys(serviceVerbs[service]).map((verb) => [service, verb] as const),
)

test.each(all)(
  '%s: %s is asked by a gateway, but for the values of secrets, for signatures, and for what gateways do',
  (service, verb) => {
    const never =
      service === 'session-gateway' ||
      ['registry secrets.resolve', 'registry webhooks.sign'].includes(`${service} ${verb}`)
    expect(mayAsk(service, verb).includes('session-gateway')).toBe(!never)
  },
)

test('a tool-runner asks for the memory of agents, and no more of it', () => {
  const asked = Object.keys(serviceVerbs.memory).filter((verb) => mayAsk('memory', verb).includes('tool-runner'))
  expect(asked.sort()).toEqual(memoryToolQuestions.map(memoryVerb).sort())
})

test('values of secrets are for who uses or masks them, and signatures for memory alone', () => {
  expect(mayAsk('registry', 'secrets.resolve')).toEqual(['executor', 'tool-runner', 'memory'])
  expect(mayAsk('registry', 'webhooks.sign')).toEqual(['memory'])
})

test('work for agents is dispatched by who runs code of projects: workflows and tools', () => {
  expect(mayAsk('session-gateway', 'dispatch')).toEqual(['executor', 'tool-runner'])
  expect(mayAsk('session-gateway', 'compact')).toEqual(['executor'])
  expect(mayAsk('session-gateway', 'request.gateway-1')).toEqual(['executor', 'tool-runner'])
})

test('all else is the gateway’s alone, but for the agents of projects, which executors ask for', () => {
  const others = all
    .filter(([service, verb]) => mayAsk(service, verb).some((name) => name !== 'session-gateway'))
    .map(([service, verb]) => `${service} ${verb}`)
  expect(others.sort()).toEqual(
    [
      ...[
        'registry configure',
        'registry vary',
        'registry secrets.resolve',
        'registry webhooks.sign',
        'session-gateway dispatch',
        'session-gateway compact',
        'session-gateway request.<gateway>',
      ],
      ...memoryToolQuestions.map((question) => `memory ${memoryVerb(question)}`),
    ].sort(),
  )
})

test('what nobody serves is nobody’s but the gateway’s to ask', () => {
  expect(mayAsk('registry', 'anything.else')).toEqual(['session-gateway'])
})
