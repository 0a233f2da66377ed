// What must hold of a tree that is erased.
import { orderOf } from '../world/erasure.ts'
import { forked, root, short, type World } from '../world/world.ts'

/** C29, in every world: a fork that stands reads the frames of the session that it was forked from. */
export function checkErased(world: World): void {
  if (world.truth.has(forked) && orderOf(world, root) && !orderOf(world, forked))
    world.fail('C29: the root is erased, and a session that was forked from it reads its frames')
}

/** C29, at rest. */
export function checkErasedTree(world: World): void {
  if (!orderOf(world, root)) return
  for (const id of world.sessions())
    if (id.startsWith(root) && world.truth.has(id) && !orderOf(world, id))
      world.fail(`C29: at the end the root is erased, and ${short(id)} is not`)
}
