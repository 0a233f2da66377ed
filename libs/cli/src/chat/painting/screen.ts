// The transcript as lines: what is printed once and stays (`take`), and what is still growing (`growing`).
//   C1. Lines that were given out never change; an answer is never printed twice.
//   C2. Everything from outside has been neutralised: by MarkdownStream, or here.
import { usdText } from '@reins/contracts'
import type { ControlHint, Piece } from '@reins/transcript'
import { wrap } from '../../text/cells.ts'
import { MarkdownStream } from '../../text/markdown.ts'
import { neutralise } from '../../text/neutralise.ts'
import { planLines } from '../../text/plan-lines.ts'
import type { Style } from '../../text/style.ts'
import { span } from '../../text/when.ts'
import { toolLines } from './tool-line.ts'

type Section = 'message' | 'reasoning' | 'answer' | 'tool' | 'notice' | 'footer'

/** What a person of a terminal types. */
const controlWords: Readonly<Record<ControlHint, string>> = {
  resume: '/resume lets it go on.',
  release: 'Type: reins session release',
  restore: '/restore undoes it.',
}

export class ChatScreen {
  readonly #style: Style
  readonly #answer: MarkdownStream
  #reasoning = ''
  #section: Section | undefined
  #lastBlank: boolean

  /** `top`: nothing stands above, so that nothing has to stand apart from it. */
  constructor(style: Style, options: { readonly top: boolean } = { top: true }) {
    this.#lastBlank = options.top
    this.#style = style
    this.#answer = new MarkdownStream(style)
  }

  /** The lines that this piece completes. */
  take(piece: Piece, width: number): string[] {
    switch (piece.kind) {
      case 'started':
        return []
      case 'message':
        return this.#emit('message', messageLines(piece.text, piece.note, width, this.#style), width)
      case 'text': {
        const before = this.#section === 'answer' ? [] : this.#enter('answer', width)
        return [...before, ...this.#keep(this.#answer.push(piece.text, width))]
      }
      case 'reasoning': {
        const before = this.#section === 'reasoning' ? [] : this.#enter('reasoning', width)
        this.#reasoning += piece.text
        const end = this.#reasoning.lastIndexOf('\n')
        if (end < 0) return before
        const whole = this.#reasoning.slice(0, end)
        this.#reasoning = this.#reasoning.slice(end + 1)
        return [...before, ...this.#keep(this.#thought(whole, width))]
      }
      case 'answer-ended':
        return this.#flush(width)
      case 'restarted':
        return this.#emit(
          'notice',
          wrap(
            this.#style.yellow('↻ The process that was writing this answer is gone. The answer starts anew:'),
            width,
          ),
          width,
        )
      case 'queued': {
        const others = piece.ahead === 0 ? '' : piece.ahead === 1 ? ' after 1 other' : ` after ${piece.ahead} others`
        const why =
          piece.throttled === undefined
            ? 'All slots for model calls are taken.'
            : `Throttled: ${neutralise(piece.throttled)}.`
        const words = `… ${why} This session is next${others}; it goes on by itself.`
        return this.#emit('notice', wrap(this.#style.dim(words), width), width)
      }
      case 'slow': {
        const words = `… ${neutralise(piece.name)} has shown nothing for a while; it goes on. Ctrl-C stops the turn.`
        return this.#emit('notice', wrap(this.#style.dim(words), width), width)
      }
      case 'tool':
        return this.#emit('tool', toolLines(piece, width, this.#style), width)
      case 'plan':
        return this.#emit('tool', planLines(piece.steps, width, this.#style, piece.steps.length + 1), width)
      case 'notice': {
        const paint = { info: this.#style.dim, warning: this.#style.yellow, error: this.#style.red }[piece.level]
        const text = piece.control === undefined ? piece.text : `${piece.text} ${controlWords[piece.control]}`
        const lines = neutralise(text).split('\n')
        return this.#emit(
          'notice',
          lines.flatMap((line) => wrap(paint(line), width)),
          width,
        )
      }
      case 'turn-ended': {
        const used = `${span(piece.ms)} · ${piece.inputTokens} tokens in, ${piece.outputTokens} out${piece.usd === undefined ? '' : ` · $${usdText(piece.usd)}`}`
        return this.#emit('footer', wrap(this.#style.dim(used), width), width)
      }
      default:
        return piece satisfies never
    }
  }

  /** The end of the answer or thought that is being written; `toolsBelow`: calls that run are shown under it. */
  growing(width: number, toolsBelow = false): string[] {
    const lines =
      this.#section === 'answer'
        ? this.#answer.live(width)
        : this.#reasoning === ''
          ? []
          : this.#thought(this.#reasoning, width)
    const apart = toolsBelow && this.#section !== 'tool' && (lines.length > 0 || !this.#lastBlank)
    return apart ? [...lines, ''] : lines
  }

  #thought(text: string, width: number): string[] {
    const { dim, italic } = this.#style
    return neutralise(text)
      .split('\n')
      .flatMap((line) => wrap(dim(italic(line)), width))
  }

  #flush(width: number): string[] {
    const lines = this.#section === 'answer' ? this.#answer.end(width) : []
    if (this.#reasoning !== '') lines.push(...this.#thought(this.#reasoning, width))
    this.#reasoning = ''
    return this.#keep(lines)
  }

  /** Ends what was being written; another kind of thing stands apart by a blank line. */
  #enter(section: Section, width: number): string[] {
    const lines = this.#flush(width)
    const apart = section === 'message' || (section !== this.#section && section !== 'footer')
    if (apart && !this.#lastBlank) lines.push(...this.#keep(['']))
    this.#section = section
    return lines
  }

  #emit(section: Section, lines: readonly string[], width: number): string[] {
    return [...this.#enter(section, width), ...this.#keep(lines)]
  }

  #keep(lines: readonly string[]): string[] {
    const last = lines.at(-1)
    if (last !== undefined) this.#lastBlank = last === ''
    return [...lines]
  }
}

export function messageLines(text: string, note: string | undefined, width: number, style: Style): string[] {
  const lines = neutralise(text).replace(/\t/g, '    ').split('\n')
  const shown = lines.flatMap((line, index) =>
    wrap(`${index === 0 ? style.cyan('›') : ' '} ${style.bold(line)}`, width, '  '),
  )
  return note === undefined ? shown : [...shown, ...wrap(style.dim(`  (${note})`), width, '  ')]
}
