// The few pictures of the page: lines on a grid of 16, in the colour of the text around them.
const paths = {
  chevron: 'M6 4l4 4-4 4',
  plus: 'M8 3v10M3 8h10',
  search: 'M7 12A5 5 0 1 0 7 2a5 5 0 0 0 0 10ZM11 11l3 3',
  send: 'M8 13V3M3.500 7.500 8 3l4.500 4.500',
  stop: 'M4.500 4.500h7v7h-7z',
  copy: 'M5.500 5.500h7v8h-7zM3.500 10.500v-8h7',
  check: 'M3 8.500 6.500 12 13 4.500',
  cross: 'M4 4l8 8M12 4l-8 8',
  menu: 'M2.500 4.500h11M2.500 8h11M2.500 11.500h11',
  more: 'M3.500 8h.01M8 8h.01M12.500 8h.01',
  down: 'M8 3v10M3.500 8.500 8 13l4.500-4.500',
  open: 'M6 3H3v10h10v-3M9 3h4v4M13 3 7.500 8.500',
  clock: 'M8 14A6 6 0 1 0 8 2a6 6 0 0 0 0 12ZM8 4.500V8l2.500 1.500',
  fork: 'M5 2.500v11M5 9.500c4 0 6-1.500 6-5M3.500 2.500h3M9.500 4.500 11 3l1.500 1.500M3.500 13.500h3',
  again: 'M13 8a5 5 0 1 1-1.500-3.500L13 6M13 2.500V6H9.500',
  image: 'M2.500 3h11v10h-11zM3 11.500l3-3.500 2.500 2.500 2-2 3 3M10.500 6h.01',
  shield: 'M8 14c3.500-1.500 5-3.500 5-7V3.500L8 2 3 3.500V7c0 3.500 1.500 5.500 5 7Z',
} as const

export function Icon({ name, size = 16 }: { readonly name: keyof typeof paths; readonly size?: number }) {
  return (
    <svg className="icon" viewBox="0 0 16 16" width={size} height={size} aria-hidden="true" focusable="false">
      <path d={paths[name]} />
    </svg>
  )
}
