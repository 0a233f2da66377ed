// In the bundle this stands in the place of rehype-raw, which would make elements of the HTML that a model wrote: the page never wants that.
export default function withoutRaw(): undefined {
  return undefined
}
