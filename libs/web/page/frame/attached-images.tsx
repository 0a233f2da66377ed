// Pictures that go with the next message: pasted, dropped or chosen, looked at before they are sent, and shown small.
import { checkImage, imageTypes } from '@reins/contracts/images'
import { useCallback, useEffect, useRef, useState } from 'react'
import type { Attached } from '../model/session-store.ts'
import { Icon } from './icons.tsx'

export interface AttachedImages {
  readonly images: readonly Attached[]
  /** Why a file was not taken. */
  readonly problem: string | undefined
  add(files: Iterable<File>): void
  remove(key: string): void
  /** All of them, which are of a message from now on. */
  take(): readonly Attached[]
  giveBack(images: readonly Attached[]): void
}

export function useAttachedImages(): AttachedImages {
  const [images, setImages] = useState<readonly Attached[]>([])
  const [problem, setProblem] = useState<string>()
  // What is being read is not in the state of this moment.
  const now = useRef(images)
  const set = useCallback((next: readonly Attached[]) => {
    now.current = next
    setImages(next)
  }, [])
  useEffect(() => () => free(now.current), [])
  const line = useRef(Promise.resolve())

  const add = useCallback(
    (files: Iterable<File>) => {
      const all = [...files]
      setProblem(undefined)
      // One after the other: each is held against those before it.
      line.current = line.current.then(async () => {
        for (const file of all) {
          const read = await readImage(file, now.current)
          if (typeof read === 'string') setProblem(read)
          else set([...now.current, read])
        }
      })
    },
    [set],
  )
  const remove = useCallback(
    (key: string) => {
      free(now.current.filter((one) => one.key === key))
      set(now.current.filter((one) => one.key !== key))
      setProblem(undefined)
    },
    [set],
  )
  const take = useCallback(() => {
    const taken = now.current
    set([])
    setProblem(undefined)
    return taken
  }, [set])
  const giveBack = useCallback((back: readonly Attached[]) => set([...back, ...now.current]), [set])
  return { images, problem, add, remove, take, giveBack }
}

export const free = (images: readonly Attached[]): void => {
  for (const { url } of images) URL.revokeObjectURL(url)
}

/** The text says why not. */
async function readImage(file: File, before: readonly Attached[]): Promise<Attached | string> {
  const name = file.name === '' ? 'The picture' : file.name
  try {
    const bytes = new Uint8Array(await file.arrayBuffer())
    const checked = checkImage(
      name,
      bytes,
      before.map((one) => one.bytes),
    )
    if (checked.kind === 'wrong') return checked.message
    const { mimeType } = checked
    return {
      ...{ key: crypto.randomUUID(), name, bytes: bytes.length },
      image: { type: 'image', mimeType, data: await base64Of(file) },
      url: URL.createObjectURL(new Blob([bytes], { type: mimeType })),
    }
  } catch {
    return `${name} cannot be read.`
  }
}

const base64Of = (file: File): Promise<string> =>
  new Promise((resolve, reject) => {
    const reader = new FileReader()
    reader.onload = () => resolve(String(reader.result).replace(/^[^,]*,/, ''))
    reader.onerror = () => reject(reader.error ?? new Error('it cannot be read'))
    reader.readAsDataURL(file)
  })

export function ImagePreviews({ attached }: { readonly attached: AttachedImages }) {
  const { images, problem, remove } = attached
  return (
    <>
      {images.length === 0 ? null : (
        <ul className="pictures" aria-label="Images that go with the message">
          {images.map(({ key, name, url }) => (
            <li key={key}>
              <img src={url} alt={name} />
              <button type="button" className="round" onClick={() => remove(key)} aria-label={`Remove ${name}`}>
                <Icon name="cross" size={12} />
              </button>
            </li>
          ))}
        </ul>
      )}
      {problem === undefined ? null : (
        <p className="picture-problem" role="alert">
          {problem}
        </p>
      )}
    </>
  )
}

export function ChooseImages({ add }: Pick<AttachedImages, 'add'>) {
  const field = useRef<HTMLInputElement>(null)
  return (
    <>
      <input
        ref={field}
        type="file"
        hidden
        multiple
        accept={imageTypes.join(',')}
        onChange={(event) => {
          add(event.target.files ?? [])
          // The same file may be chosen again.
          event.target.value = ''
        }}
      />
      <button
        type="button"
        className="round"
        onClick={() => field.current?.click()}
        aria-label="Show images"
        title="Show images with the message"
      >
        <Icon name="image" />
      </button>
    </>
  )
}
