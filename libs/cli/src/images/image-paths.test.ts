import { expect, test } from 'vitest'
import { droppedImage, imageAsked, nameCompleted, pathBegun, pathMeant } from './image-paths.ts'

test.each([
  ['/image', ''],
  ['/image  screen.png ', 'screen.png'],
  ['/image my screen.png', 'my screen.png'],
  ['/images', undefined],
  ['/image a.png\nWhat is this?', undefined],
  ['What is /image?', undefined],
])('%j asks for %j', (text, asked) => {
  expect(imageAsked(text)).toBe(asked)
})

test.each([
  ['a.png', 'a.png'],
  ['my\\ photo\\(1\\).png', 'my photo(1).png'],
  ["'/tmp/my photo.png'", '/tmp/my photo.png'],
  ['"/tmp/it\'s.png"', "/tmp/it's.png"],
  ['file:///tmp/my%20photo.png', '/tmp/my photo.png'],
  ['file://%', 'file://%'],
  ['~/a.png', '/home/ada/a.png'],
  ['~ada/a.png', '~ada/a.png'],
  ['C:\\a.png', 'C:\\a.png'],
])('%j means %j', (text, path) => {
  expect(pathMeant(text, '/home/ada')).toBe(path)
})

test.each([
  ['/tmp/a.png ', '/tmp/a.png'],
  ['/tmp/my\\ photo.JPG', '/tmp/my photo.JPG'],
  ["'/tmp/my photo.webp'", '/tmp/my photo.webp'],
  ['file:///tmp/a.gif', '/tmp/a.gif'],
  ['~/a.jpeg', '/home/ada/a.jpeg'],
])('%j is a file that was dropped', (pasted, path) => {
  expect(droppedImage(pasted, '/home/ada')).toBe(path)
})

test.each(['a.png', '/tmp/a.txt', '/tmp/a.png and more', '/tmp/a.png\n/tmp/b.png', '', 'see /tmp/a.png'])(
  '%j is text',
  (pasted) => {
    expect(droppedImage(pasted, '/home/ada')).toBeUndefined()
  },
)

test('a path is completed as far as all names go that may be meant', () => {
  const begun = pathBegun('/image ~/pictures/scr', '/home/ada')
  expect(begun).toEqual({ folder: '/home/ada/pictures/', begun: 'scr', before: '/image ~/pictures/' })
  expect(pathBegun('/image ', undefined)).toEqual({ folder: '.', begun: '', before: '/image ' })
  expect(pathBegun('/imag', undefined)).toBeUndefined()
  const entries = ['screen-1.png', 'screen-2.png', 'scratch.txt', '.scr.png'].map((name) => ({ name, folder: false }))
  expect(nameCompleted('scr', entries)).toBe('screen-')
  expect(nameCompleted('scr', [...entries, { name: 'scripts', folder: true }])).toBe('scr')
  expect(nameCompleted('scri', [...entries, { name: 'scripts', folder: true }])).toBe('scripts/')
  expect(nameCompleted('x', entries)).toBeUndefined()
})
