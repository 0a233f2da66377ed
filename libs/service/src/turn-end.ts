// What happens at the end of this turn of the event loop: after everything that the system had for this process was handed out. Many
// streams put off a write to there at once; a callback of the loop for each of them would cost as much as what it does.
//   TE1. In a turn that is long because there is much to do, they do not wait for all of it: so many at once lose nothing any more.
//   TE2. In the order in which it was asked for. What is asked for meanwhile happens at the end of the next turn.
//   TE3. What one throws is thrown on, and the others run all the same.

interface Due {
  run: (() => void) | undefined
}

const enough = 64
let due: Due[] = []

/** Gives what calls it off. */
export function atEndOfTurn(run: () => void): () => void {
  const one: Due = { run }
  const waiting = due.push(one)
  if (waiting === 1) setImmediate(runDue)
  else if (waiting === enough) queueMicrotask(runDue) // TE1
  return () => {
    one.run = undefined
  }
}

function runDue(): void {
  const runs = due
  due = []
  let at = 0
  try {
    while (at < runs.length) runs[at++]?.run?.()
  } finally {
    // TE3
    if (at < runs.length) {
      due = [...runs.slice(at), ...due]
      setImmediate(runDue)
    }
  }
}
