// A call of a tool: one line that says what it does and how it stands, and opens to what ran and what came of it.
import { Collapsible } from '@base-ui/react/collapsible'
import { memo, useState } from 'react'
import { Icon } from '../frame/icons.tsx'
import { Elapsed } from '../frame/elapsed.tsx'
import type { ToolItem } from '../model/thread.ts'
import { plainText } from '../text/plain.ts'
import { span } from '../text/words.ts'
import { ToolOutput } from './tool-output-view.tsx'
import { subjectOf, WhatRuns } from './what-runs.tsx'
import { WholeOutput } from './whole-output.tsx'

const outcomes = {
  ok: { word: 'Done', className: 'ok' },
  error: { word: 'Failed', className: 'bad' },
  unknown: { word: 'Outcome unknown', className: 'odd' },
  cancelled: { word: 'Did not finish', className: 'odd' },
} as const

export interface ToolCallProps {
  readonly item: ToolItem
  readonly session: string
  /** For a person. */
  readonly waits: boolean
}

export const ToolCall = memo(function ToolCall({ item, session, waits }: ToolCallProps) {
  const [open, setOpen] = useState(false)
  const { running, outcome, name } = item
  const output = running ? running.tail : item.output
  const state = running ? { word: waits ? 'Waits for you' : 'Runs', className: 'runs' } : outcomes[outcome ?? 'ok']
  return (
    <Collapsible.Root className={`tool ${state.className}`} open={open} onOpenChange={setOpen}>
      <Collapsible.Trigger className="tool-line">
        <span className="fold" aria-hidden="true">
          <Icon name="chevron" size={14} />
        </span>
        <span className="tool-name">{plainText(name)}</span>
        <span className="tool-subject">{subjectOf(item)}</span>
        <span className="tool-state">
          <span className="dot" aria-hidden="true" />
          {state.word}
          {running && !waits ? (
            <>
              {' '}
              <Elapsed since={running.since} />
            </>
          ) : null}
          {!running && item.ms !== undefined && item.ms >= 100 ? ` ${span(item.ms)}` : ''}
        </span>
      </Collapsible.Trigger>
      <Collapsible.Panel className="tool-panel">
        <WhatRuns name={name} input={item.input} />
        {output === '' ? (
          <p className="faint">{running ? 'It has shown nothing yet.' : 'It gave no output.'}</p>
        ) : item.ref === undefined ? (
          <ToolOutput name={name} output={output} />
        ) : (
          <WholeOutput name={name} session={session} output={output} reference={item.ref} />
        )}
      </Collapsible.Panel>
    </Collapsible.Root>
  )
})
