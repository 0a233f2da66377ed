// What a server asks a person: a form, or a page to open. The session goes on by itself when it is answered.
//   QC1. A page is opened by the person's own click, in a tab of its own that knows nothing of this one, and its address is shown.
import { type AnswerElicitation, formProblem } from '@reins/contracts'
import type { PendingQuestion } from '@reins/transcript'
import { type FormEvent, useId, useState } from 'react'
import { Elapsing } from '../frame/elapsing.tsx'
import { plainText } from '../text/plain.ts'
import { webAddress } from '../text/web-address.ts'
import { contentOf, type Field, type Filled, fieldsOf, presetsOf } from './form.ts'

export interface QuestionProps {
  readonly question: PendingQuestion
  answer(answer: AnswerElicitation): Promise<boolean>
}

export function QuestionCard({ question, answer }: QuestionProps) {
  const [sent, setSent] = useState(false)
  const title = useId()
  const { server, message, mode, of, expiresAt } = question
  const act = async (given: AnswerElicitation, again = false) => {
    setSent(true)
    const taken = await answer(given)
    if (!taken || again) setSent(false)
  }
  return (
    <section className="card asks" aria-labelledby={title}>
      <h2 className="card-title" id={title} tabIndex={-1}>
        {of === undefined ? '' : `${of.path.map(plainText).join(' › ')}: `}
        <strong>{plainText(server)}</strong> asks you
      </h2>
      <p className="asked">{plainText(message)}</p>
      {mode === 'url' ? (
        <OpenPage question={question} busy={sent} act={act} />
      ) : (
        <FillIn schema={question.schema} busy={sent} act={act} />
      )}
      {expiresAt === undefined ? null : (
        <p className="faint">
          <Elapsing until={expiresAt} />
        </p>
      )}
    </section>
  )
}

interface ActProps {
  readonly busy: boolean
  act(given: AnswerElicitation, again?: boolean): Promise<void>
}

function Refuse({ busy, act }: ActProps) {
  return (
    <>
      <button type="button" disabled={busy} onClick={() => void act({ action: 'decline' })}>
        Decline
      </button>
      <button type="button" disabled={busy} onClick={() => void act({ action: 'cancel' })}>
        Cancel
      </button>
    </>
  )
}

function OpenPage({ question, busy, act }: ActProps & { readonly question: PendingQuestion }) {
  const url = webAddress(question.url)
  if (url === undefined)
    return (
      <>
        <p className="problem">
          The server names an address that is no web page: <code>{plainText(question.url ?? '')}</code>. Reins opens
          none but http and https.
        </p>
        <div className="choices">
          <Refuse busy={busy} act={act} />
        </div>
      </>
    )
  const opened = question.page === 'opened'
  return (
    <>
      <p className="faint">
        A page of <strong>{url.host}</strong>: <code className="address">{url.href}</code>
      </p>
      <div className="choices">
        <a
          className="button primary"
          href={url.href}
          target="_blank"
          rel="noopener noreferrer"
          // QC1. The tab opens by the click itself; that it was opened is told meanwhile.
          onClick={() => {
            if (!opened) void act({ action: 'accept' }, true)
          }}
        >
          Click to authorize
        </a>
        {opened ? (
          <button type="button" disabled={busy} onClick={() => void act({ action: 'accept', completed: true })}>
            I have done it
          </button>
        ) : null}
        <Refuse busy={busy} act={act} />
      </div>
      {opened ? <p className="faint">The session goes on by itself when the page is done.</p> : null}
    </>
  )
}

function FillIn({ schema, busy, act }: ActProps & { readonly schema: Readonly<Record<string, unknown>> | undefined }) {
  const fields = fieldsOf(schema)
  const [filled, setFilled] = useState<Filled>(() => presetsOf(fields))
  const [problem, setProblem] = useState<string>()
  const id = useId()
  const submit = (event: FormEvent) => {
    event.preventDefault()
    const content = contentOf(fields, filled)
    const wrong = formProblem(schema ?? {}, content)
    if (wrong === null) void act({ action: 'accept', content })
    else setProblem(wrong.replace(/^content\.?/, ''))
  }
  const set = (name: string, value: Filled[string]) => {
    setFilled((before) => ({ ...before, [name]: value }))
    setProblem(undefined)
  }
  return (
    <form className="fill" onSubmit={submit} noValidate>
      {fields.map((field) => (
        <FieldInput
          key={field.name}
          id={`${id}-${field.name}`}
          field={field}
          value={filled[field.name] ?? ''}
          onChange={(value) => set(field.name, value)}
        />
      ))}
      <p className="problem" role="alert">
        {problem}
      </p>
      <p className="faint">What you fill in stands in the log of the session: no passwords.</p>
      <div className="choices">
        <button type="submit" className="primary" disabled={busy}>
          Send
        </button>
        <Refuse busy={busy} act={act} />
      </div>
    </form>
  )
}

const inputTypes: Readonly<Record<string, string>> = {
  email: 'email',
  uri: 'url',
  date: 'date',
}

function FieldInput({
  id,
  field,
  value,
  onChange,
}: {
  readonly id: string
  readonly field: Field
  readonly value: Filled[string]
  onChange(value: Filled[string]): void
}) {
  const { kind, title, hint, required, choices, format } = field
  const described = hint === '' ? {} : { 'aria-describedby': `${id}-hint` }
  const label = (
    <>
      {plainText(title)}
      {required || kind === 'yes-or-no' ? '' : <span className="faint"> (optional)</span>}
    </>
  )
  const help =
    hint === '' ? null : (
      <p className="faint" id={`${id}-hint`}>
        {plainText(hint)}
      </p>
    )
  if (kind === 'yes-or-no')
    return (
      <div className="field">
        <label className="check">
          <input
            type="checkbox"
            checked={value === true}
            onChange={(event) => onChange(event.target.checked)}
            {...described}
          />
          {label}
        </label>
        {help}
      </div>
    )
  if (kind === 'some-of') {
    const some = typeof value === 'object' ? value : []
    return (
      <fieldset className="field" {...described}>
        <legend>{label}</legend>
        {choices.map((choice) => (
          <label className="check" key={choice.value}>
            <input
              type="checkbox"
              checked={some.includes(choice.value)}
              onChange={(event) =>
                onChange(event.target.checked ? [...some, choice.value] : some.filter((one) => one !== choice.value))
              }
            />
            {plainText(choice.title)}
          </label>
        ))}
        {help}
      </fieldset>
    )
  }
  return (
    <div className="field">
      <label htmlFor={id}>{label}</label>
      {kind === 'one-of' ? (
        <select
          id={id}
          value={String(value)}
          required={required}
          onChange={(event) => onChange(event.target.value)}
          {...described}
        >
          <option value="">Choose</option>
          {choices.map((choice) => (
            <option key={choice.value} value={choice.value}>
              {plainText(choice.title)}
            </option>
          ))}
        </select>
      ) : (
        <input
          id={id}
          type={inputTypes[format ?? ''] ?? 'text'}
          inputMode={kind === 'number' ? 'decimal' : undefined}
          value={String(value)}
          required={required}
          autoComplete="off"
          onChange={(event) => onChange(event.target.value)}
          {...described}
        />
      )}
      {help}
    </div>
  )
}
