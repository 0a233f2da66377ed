// What a process holds, asked over V8's own inspector, so that the product needs no door for it.
//   - The heap is measured after a full collection: what is left is held by somebody.
export interface Held {
  /** MB, after a collection. */
  readonly heap: number
  /** Timers, sockets, files and children that keep the process alive. */
  readonly handles: number
}

export interface Inspector {
  held(): Promise<Held>
  /** Writes a heap snapshot into a file of the process's machine. */
  snapshot(file: string): Promise<void>
  close(): void
}

const withinMs = 120_000

/** `url`: as the process prints it (`ws://127.0.0.1:…`). The caller closes it. */
export async function inspect(url: string): Promise<Inspector> {
  const socket = new WebSocket(url)
  const waiting = new Map<number, (result: unknown) => void>()
  let last = 0
  socket.addEventListener('message', ({ data }) => {
    const { id, result } = JSON.parse(String(data)) as { id?: number; result?: unknown }
    if (id === undefined) return
    waiting.get(id)?.(result)
    waiting.delete(id)
  })
  await new Promise<void>((resolve, reject) => {
    socket.addEventListener('open', () => resolve(), { once: true })
    socket.addEventListener('error', () => reject(new Error('the inspector cannot be reached')), { once: true })
  })
  const ask = (method: string, params: object = {}): Promise<unknown> =>
    new Promise((resolve, reject) => {
      const id = ++last
      const late = setTimeout(() => reject(new Error(`the inspector did not answer ${method} in time`)), withinMs)
      waiting.set(id, (result) => {
        clearTimeout(late)
        resolve(result)
      })
      socket.send(JSON.stringify({ id, method, params }))
    })
  return {
    async held() {
      await ask('HeapProfiler.collectGarbage')
      const { usedSize } = (await ask('Runtime.getHeapUsage')) as { usedSize: number }
      const { result } = (await ask('Runtime.evaluate', {
        expression: 'process.getActiveResourcesInfo().length',
      })) as { result: { value: number } }
      return { heap: Math.round((usedSize / 2 ** 20) * 10) / 10, handles: result.value }
    },
    async snapshot(file) {
      await ask('Runtime.evaluate', {
        expression: `process.getBuiltinModule('v8').writeHeapSnapshot(${JSON.stringify(file)})`,
      })
    },
    close: () => socket.close(),
  }
}
