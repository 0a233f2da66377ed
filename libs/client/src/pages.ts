// Lists that come in pages, as one.

/** All items, page by page; `next` of a page is given for the one behind it. */
export async function allPages<T>(
  page: (after: string | undefined) => Promise<{ readonly items: readonly T[]; readonly next?: string | undefined }>,
): Promise<readonly T[]> {
  const all: T[] = []
  for (let after: string | undefined; ; ) {
    const { items, next } = await page(after)
    all.push(...items)
    if (next === undefined) return all
    after = next
  }
}
