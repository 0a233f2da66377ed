import { plainText } from '../text/plain.ts'
import { LongText } from './long-text.tsx'
import { commandOutput, readableOutput } from './tool-output.ts'

export function ToolOutput({ name, output }: { readonly name: string; readonly output: string }) {
  const command = commandOutput(output)
  if (command === undefined)
    return (
      <div className="terminal output">
        <LongText text={plainText(readableOutput(output))} label={`Output of ${name}`} />
      </div>
    )
  const stdout = plainText(command.stdout).trimEnd()
  const stderr = plainText(command.stderr).trimEnd()
  return (
    <>
      {stdout === '' && stderr === '' ? <p className="faint">It printed nothing.</p> : null}
      {stdout === '' ? null : (
        <div className="terminal output">
          <LongText text={stdout} label={`Output of ${name}`} />
        </div>
      )}
      {stderr === '' ? null : (
        <div className="terminal output errors">
          <LongText text={stderr} label={`Errors of ${name}`} />
        </div>
      )}
      {command.exitCode === undefined || command.exitCode === 0 ? null : (
        <p className="faint">It ended with exit code {command.exitCode}.</p>
      )}
    </>
  )
}
