// What a page of another origin tries in a browser. Each is the body of an asynchronous function in that page, which says what it got.
//   api: where the product is · token: a token that the page has got hold of · session: a session that is there
import { kindOf, type Row } from '../../corpus.ts'

export interface PageTrick {
  /** `other`: a page of another port · `rebound`: a page whose host name has turned into 127.0.0.1 at the product's port · `sandboxed`: in a frame without an origin */
  readonly from: 'other' | 'rebound' | 'sandboxed'
  readonly script: string
}

const nothing = /^nothing/
const other = (script: string): PageTrick => ({ from: 'other', script })
const rebound = (script: string): PageTrick => ({ from: 'rebound', script })
const read = (init: string, path = '/v1/agents'): string =>
  `const r = await fetch(api + '${path}', ${init}); return r.type === 'opaque' ? 'nothing: opaque' : r.status + ' ' + await r.text()`
const bearer = "headers: { authorization: 'Bearer ' + token }"
const message = "body: JSON.stringify({ content: 'stolen' })"

const rows: readonly Row<PageTrick>[] = [
  ['reads a list', other(read('{}')), nothing],
  ['reads a list with a token', other(read(`{ ${bearer} }`)), nothing],
  ['reads with what the browser may have', other(read("{ credentials: 'include' }")), nothing],
  ['reads without looking', other(read("{ mode: 'no-cors' }")), nothing],
  ['reads health', other(read('{}', '/health')), nothing],
  [
    'sends a message as JSON',
    other(`${read(`{ method: 'POST', ${bearer}, ${message} }`, "/v1/sessions/' + session + '/messages")}`),
    nothing,
  ],
  [
    'sends a message as plain text',
    other(read(`{ method: 'POST', mode: 'no-cors', ${message} }`, "/v1/sessions/' + session + '/messages")),
    nothing,
  ],
  ['deletes an agent', other(read(`{ method: 'DELETE', ${bearer} }`, '/v1/agents/helper')), nothing],
  [
    'sends a beacon',
    other("return navigator.sendBeacon(api + '/v1/sessions', '{}') ? 'nothing: sent blindly' : 'nothing'"),
    nothing,
  ],
  [
    'sends a form',
    other(`
      const frame = document.createElement('iframe'); frame.name = 'target'; document.body.append(frame)
      const form = document.createElement('form')
      Object.assign(form, { method: 'POST', action: api + '/v1/sessions', enctype: 'text/plain', target: 'target' })
      const field = document.createElement('input'); field.name = '{"agent":"helper","x":"'; field.value = '"}'
      form.append(field); document.body.append(form)
      const loaded = new Promise((resolve) => frame.addEventListener('load', resolve))
      form.submit(); await loaded
      try { return frame.contentDocument.body.innerText } catch { return 'nothing: a frame that cannot be read' }`),
    nothing,
  ],
  [
    'opens a stream of events',
    other(`return new Promise((resolve) => {
      const source = new EventSource(api + '/v1/sessions/' + session + '/events')
      source.onopen = () => resolve('open'); source.onmessage = (e) => resolve(e.data); source.onerror = () => { source.close(); resolve('nothing: refused') }
    })`),
    nothing,
  ],
  [
    'opens a WebSocket with a token',
    other(`return new Promise((resolve) => {
      const socket = new WebSocket(api.replace('http', 'ws') + '/v1/sessions/' + session + '/socket', ['reins', 'bearer.' + token])
      socket.onopen = () => resolve('open'); socket.onmessage = (e) => resolve(e.data); socket.onerror = () => resolve('nothing: refused')
    })`),
    nothing,
  ],
  [
    'loads the API as a script',
    other(`return new Promise((resolve) => {
      const script = document.createElement('script'); script.src = api + '/openapi.json'
      script.onload = () => resolve('loaded'); script.onerror = () => resolve('nothing: refused'); document.head.append(script)
    })`),
    nothing,
  ],
  [
    'loads the API as a picture',
    other(`return new Promise((resolve) => {
      const picture = new Image(); picture.src = api + '/health'
      picture.onload = () => resolve('loaded'); picture.onerror = () => resolve('nothing: refused')
    })`),
    nothing,
  ],
  [
    'frames the API and reads it',
    other(`
      const frame = document.createElement('iframe'); frame.src = api + '/health'
      const loaded = new Promise((resolve) => frame.addEventListener('load', resolve))
      document.body.append(frame); await loaded
      try { return frame.contentDocument.body.innerText } catch { return 'nothing: a frame that cannot be read' }`),
    nothing,
  ],
  [
    'sends from a worker',
    other(`return new Promise((resolve) => {
      const text = "fetch('" + api + "/v1/agents', { headers: { authorization: 'Bearer " + token + "' } }).then((r) => r.text()).then(postMessage, () => postMessage('nothing: refused'))"
      const worker = new Worker(URL.createObjectURL(new Blob([text])))
      worker.onmessage = (e) => resolve(e.data)
    })`),
    nothing,
  ],
  ['reads from a frame without an origin', { from: 'sandboxed', script: read(`{ ${bearer} }`) }, nothing],
  [
    'writes from a frame without an origin',
    { from: 'sandboxed', script: read(`{ method: 'POST', mode: 'no-cors', ${message} }`, '/v1/sessions') },
    nothing,
  ],
  ['is rebound, and reads with a token', rebound(read(`{ ${bearer} }`).replace('api +', "'' +")), /^403 /],
  ['is rebound, and reads health', rebound(read('{}', '/health').replace('api +', "'' +")), /^403 /],
  [
    'is rebound, and starts a session',
    rebound(
      read(
        `{ method: 'POST', headers: { authorization: 'Bearer ' + token, 'content-type': 'application/json' }, body: '{"agent":"helper"}' }`,
        '/v1/sessions',
      ).replace('api +', "'' +"),
    ),
    /^403 /,
  ],
]

export const foreignPages = kindOf(
  'foreign pages',
  'what a page of another origin, or one that is rebound to this machine, tries in Chromium at a running product',
  rows,
)
