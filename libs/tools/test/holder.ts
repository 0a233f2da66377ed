// Starts a command in a sandbox, says so, and does nothing more; a test kills it. node test/holder.ts <kind> <workspace> <command>
import { detectSandbox } from '../src/sandbox/detect.ts'
import { shellCommand } from '../src/sandbox/sandbox.ts'
import { noGuard } from '../src/workspace/guard.ts'

const [, , kind = '', workspace = '', command = ''] = process.argv
if (kind !== 'bubblewrap' && kind !== 'namespaces') throw new Error(`give bubblewrap or namespaces, not ${kind}`)
const sandbox = await detectSandbox({ try: [kind] })
const spawned = sandbox.spawn({ argv: shellCommand(command), workspace, guard: noGuard, network: false, env: {} })
if (spawned.kind === 'refused') throw new Error(spawned.message)
spawned.process.stdout.pipe(process.stdout)
