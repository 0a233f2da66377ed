// In the bundle this stands in the place of tailwind-merge: the page has styles of its own, and no Tailwind.
export const twMerge = (...names: readonly unknown[]): string =>
  names.filter((name) => typeof name === 'string').join(' ')
export const extendTailwindMerge = () => twMerge
