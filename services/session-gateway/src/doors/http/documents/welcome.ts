// What a browser shows of the address that `npm start` prints: where a person goes from here. It knows nothing of this installation.
import { createHash } from 'node:crypto'

const style = `
:root { color-scheme: light dark; font: 1.05rem/1.6 system-ui, sans-serif }
body { max-width: 38rem; margin: 10vh auto; padding: 0 1.25rem }
pre { padding: .7rem 1rem; border: 1px solid; border-radius: .5rem; white-space: pre-wrap }
`

const page = `<!doctype html>
<html lang="en">
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<title>Reins</title>
<style>${style}</style>
<main>
<h1>Reins runs here.</h1>
<p>This address is for programs: it serves the HTTP API. To talk to an agent, open a terminal in the folder of Reins
and type</p>
<pre>npx reins chat</pre>
<p>or, for a chat page in the browser,</p>
<pre>npx reins agent start assistant --mode web</pre>
<p>Programs find what they can ask for in the <a href="/openapi.json">description of the API</a>. The
<a href="/health">health</a> says what runs here.</p>
</main>
</html>
`

/** As it is sent. Nothing runs in it, and no other page may frame it. */
export const welcome = {
  bytes: Buffer.from(page),
  headers: {
    'content-type': 'text/html; charset=utf-8',
    'x-content-type-options': 'nosniff',
    'content-security-policy': `default-src 'none'; style-src 'sha256-${createHash('sha256').update(style).digest('base64')}'; frame-ancestors 'none'`,
  },
} as const
