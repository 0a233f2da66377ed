import { describe, expect, it } from 'vitest'
import { ConfigError, type Env, Environment } from './environment.ts'

/** What is wrong with one setting, as a person reads it. */
function problemsOf(env: Env, read: (environment: Environment) => unknown): readonly string[] {
  const environment = new Environment(env)
  read(environment)
  try {
    environment.check()
    return []
  } catch (error) {
    if (!(error instanceof ConfigError)) throw error
    return error.problems
  }
}

describe('a setting', () => {
  it('that is not there, or empty, has its default', () => {
    for (const env of [{}, { A: '' }]) {
      const environment = new Environment(env)
      expect(environment.text('A')).toBeUndefined()
      expect(environment.text('A', 'x')).toBe('x')
      expect(environment.integer('A', 7, { min: 1, max: 9 })).toBe(7)
      expect(environment.flag('A', true)).toBe(true)
      expect(environment.oneOf('A', 'red', ['red', 'blue'])).toBe('red')
      expect(environment.labels('A')).toEqual({})
      expect(() => environment.check()).not.toThrow()
    }
  })

  it('is read as what it is to be', () => {
    const environment = new Environment({ N: '9', YES: 'On', NO: 'FALSE', ONE: 'blue', L: 'a=1,b=x=y,c=' })
    expect(environment.integer('N', 7, { min: 1, max: 9 })).toBe(9)
    expect([environment.flag('YES', false), environment.flag('NO', true)]).toEqual([true, false])
    expect(environment.oneOf('ONE', 'red', ['red', 'blue'])).toBe('blue')
    expect(environment.labels('L')).toEqual({ a: '1', b: 'x=y', c: '' })
    expect(() => environment.check()).not.toThrow()
  })

  it.each(['0', '10', '1.5', 'x', '9007199254740993', 'NaN'])(
    'that is to be a number from 1 to 9 is not %s',
    (value) => {
      const problems = problemsOf({ N: value }, (env) => env.integer('N', 7, { min: 1, max: 9 }))
      expect(problems).toEqual([`N="${value}" is not valid. Give a whole number from 1 to 9, such as N=7`])
    },
  )

  it('that is wrong names the variable and shows a value that is valid', () => {
    expect(problemsOf({ F: 'maybe' }, (env) => env.flag('F', false))).toEqual([
      'F="maybe" is not valid. Give 1 or 0, such as F=1',
    ])
    expect(problemsOf({ O: 'green' }, (env) => env.oneOf('O', 'red', ['red', 'blue']))).toEqual([
      'O="green" is not valid. Give one of red, blue, such as O=red',
    ])
    expect(problemsOf({ L: 'a=1,=2,b' }, (env) => env.labels('L'))).toEqual(
      ['=2', 'b'].map(
        (pair) =>
          `L="${pair}" is not valid. Give name=value pairs with commas between them, such as L=browser=true,region=eu`,
      ),
    )
  })

  it('is one of several that are wrong: all of them are told at once', () => {
    const environment = new Environment({ N: 'x', F: 'maybe' })
    environment.integer('N', 7, { min: 1, max: 9 })
    environment.flag('F', false)
    environment.problem('M is needed where N is set')
    expect(() => environment.check()).toThrow(
      'The configuration is not valid:\n' +
        '  N="x" is not valid. Give a whole number from 1 to 9, such as N=7\n' +
        '  F="maybe" is not valid. Give 1 or 0, such as F=1\n' +
        '  M is needed where N is set',
    )
  })
})
