// The forms in which tools, servers and models bring a secret up, and what of them must be found nowhere.
const base64 = (text: string): readonly string[] => {
  const bytes = Buffer.from(text)
  return [bytes.toString('base64'), bytes.toString('base64url')]
}
const plainForms = (secret: string): readonly string[] => [
  secret,
  JSON.stringify(secret).slice(1, -1),
  encodeURIComponent(secret),
  new URLSearchParams([['', secret]]).toString().slice(1),
  Buffer.from(secret).toString('hex'),
]
const places = [0, 1, 2].map((before) => 'x'.repeat(before))

/** As they are brought up. */
export const broughtUp = (secret: string): readonly string[] => [
  ...plainForms(secret),
  ...places.flatMap((before) => base64(`${before}${secret}`)),
]

/** What must be found nowhere: of base64 the part that the secret decides alone. */
const forbidden = (secret: string): readonly string[] =>
  [
    ...plainForms(secret),
    ...places.flatMap((before) => base64(`${before}${secret}`).map((text) => text.slice(before.length + 1, -4))),
  ].flatMap((form) => [form, Buffer.from(form).toString('latin1')])

/** Those of them that stand in a text. */
export const found = (text: string, secret: string): readonly string[] =>
  forbidden(secret).filter((form) => text.includes(form))
