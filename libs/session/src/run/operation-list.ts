// The operations of a run, by their positions: a list of which each version stays as it was, and of which the next one costs the same however
// long it is. So folding n operations costs n, and what is open is found without a look at all that has ended.
import type { OpenOperation, Operation } from './run-state.ts'

const bits = 5
const width = 2 ** bits
const mask = width - 1

type Node = readonly (Node | Operation)[]

export class OperationList implements Iterable<Operation> {
  readonly #root: Node
  /** Of the root: 0 where that holds operations itself. */
  readonly #depth: number
  readonly length: number
  /** Positions, in their order: those that are open, and those that are in no line yet (RN7 of run.ts). */
  readonly #open: readonly number[]
  readonly #late: readonly number[]

  private constructor(
    root: Node,
    depth: number,
    length: number,
    open: readonly number[] = [],
    late: readonly number[] = [],
  ) {
    this.#root = root
    this.#depth = depth
    this.length = length
    this.#open = open
    this.#late = late
  }

  static of(operations: readonly Operation[] = []): OperationList {
    let list = new OperationList([], 0, 0)
    for (const one of operations) list = list.append(one)
    return list
  }

  append(one: Operation): OperationList {
    const position = this.length
    const full = position === width ** (this.#depth + 1)
    const root = full ? [this.#root] : this.#root
    return this.#placed(root, full ? this.#depth + 1 : this.#depth, position, one)
  }

  with(position: number, one: Operation): OperationList {
    return position >= 0 && position < this.length ? this.#placed(this.#root, this.#depth, position, one) : this
  }

  #placed(root: Node, depth: number, position: number, one: Operation): OperationList {
    return new OperationList(
      placed(root, depth, position, one),
      depth,
      Math.max(this.length, position + 1),
      marked(this.#open, position, one.state === 'open'),
      marked(this.#late, position, isLate(one)),
    )
  }

  at(position: number): Operation | undefined {
    const place = position < 0 ? this.length + position : position
    if (!(place >= 0 && place < this.length)) return undefined
    let node: Node = this.#root
    for (let depth = this.#depth; depth > 0; depth--) node = node[(place >> (bits * depth)) & mask] as Node
    return node[place & mask] as Operation
  }

  /** In their order. */
  open(): readonly (readonly [position: number, operation: Operation & { readonly state: 'open' }])[] {
    return this.#open.flatMap((position) => {
      const one = this.at(position)
      return one?.state === 'open' ? [[position, one] as const] : []
    })
  }

  /** Each that is open, with what it waits for now. */
  withOpen(change: (waits: OpenOperation) => OpenOperation): OperationList {
    let list: OperationList = this
    for (const [position, one] of this.open()) {
      const waits = change(one.waits)
      if (waits !== one.waits) list = list.with(position, { ...one, waits })
    }
    return list
  }

  /** Those in no line stand in line behind so many. */
  inLine(done: number): OperationList {
    let list: OperationList = this
    for (const position of this.#late) {
      const one = this.at(position)
      if (one?.state === 'done') list = list.with(position, { ...one, order: done - 1 - one.order })
    }
    return list
  }

  *[Symbol.iterator](): Iterator<Operation> {
    yield* leaves(this.#root, this.#depth)
  }

  /** What this version is made of, without what is known: its arrays, which other versions may share. */
  *parts(known: ReadonlySet<object>): Generator<readonly unknown[]> {
    for (const marks of [this.#open, this.#late]) if (!known.has(marks)) yield marks
    yield* nodes(this.#root, this.#depth, known)
  }

  toArray(): readonly Operation[] {
    return [...this]
  }

  toJSON(): readonly Operation[] {
    return this.toArray()
  }
}

const isLate = (one: Operation): boolean => one.state === 'done' && one.order < 0

function placed(node: Node, depth: number, position: number, one: Operation): Node {
  const slot = (position >> (bits * depth)) & mask
  const inside = depth === 0 ? one : placed((node[slot] ?? []) as Node, depth - 1, position, one)
  const next = [...node]
  next[slot] = inside
  return next
}

/** The positions with this one, or without it. Most are at the end. */
function marked(positions: readonly number[], position: number, is: boolean): readonly number[] {
  const at = positions.lastIndexOf(position)
  if (is === at >= 0) return positions
  if (!is) return positions.toSpliced(at, 1)
  const behind = positions.findLastIndex((one) => one < position) + 1
  return positions.toSpliced(behind, 0, position)
}

function* leaves(node: Node, depth: number): Generator<Operation> {
  if (depth === 0) yield* node as readonly Operation[]
  else for (const one of node) yield* leaves(one as Node, depth - 1)
}

function* nodes(node: Node, depth: number, known: ReadonlySet<object>): Generator<Node> {
  if (known.has(node)) return
  yield node
  if (depth > 0) for (const one of node) yield* nodes(one as Node, depth - 1, known)
}
