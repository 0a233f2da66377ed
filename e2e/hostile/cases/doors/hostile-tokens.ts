// Bearer tokens that were forged, stolen from another program, or kept for too long. Each is sent as one asks who one is.
import { kindOf, type Row } from '../../corpus.ts'

export interface TokenTrick {
  readonly header?: Readonly<Record<string, unknown>>
  readonly claims?: Readonly<Record<string, unknown>>
  /** Texts of its parts, where an object could not say it. {iss}: the issuer. */
  readonly headerText?: string
  readonly claimsText?: string
  /** Who signs it. Default: the issuer. `public-key`: the issuer's public key as a shared secret. */
  readonly by?: 'issuer' | 'stranger' | 'nobody' | 'public-key' | 'empty-secret'
  /** What becomes of the text. {h}, {c}, {s}: its parts. */
  readonly as?: string
  /** ms since the epoch, of its times; default: now. */
  readonly shiftS?: number
}

const refused = /^401 \{"error":\{"code":"unauthorized"/
const withKid = (kid: unknown): TokenTrick => ({ header: { kid } })
const hour = 3600

const rows: readonly Row<TokenTrick>[] = [
  ['alg none, without a signature', { header: { alg: 'none' }, by: 'nobody' }, refused],
  ['alg none, with a signature', { header: { alg: 'none' } }, refused],
  ['alg nOnE', { header: { alg: 'nOnE' }, by: 'nobody' }, refused],
  ['alg that is empty', { header: { alg: '' } }, refused],
  ['alg that is a list', { header: { alg: ['RS256', 'none'] } }, refused],
  ['no alg', { headerText: '{"kid":"k1"}' }, refused],
  ['no signature', { by: 'nobody' }, refused],
  ['HS256 with the public key as its secret', { header: { alg: 'HS256' }, by: 'public-key' }, refused],
  ['HS256 with no secret', { header: { alg: 'HS256' }, by: 'empty-secret' }, refused],
  ['RS256 by its header, HS256 by its signature', { by: 'public-key' }, refused],
  ['ES256 by its header, RSA by its signature', { header: { alg: 'ES256' } }, refused],
  ['ES256 with a signature of zeros', { header: { alg: 'ES256' }, as: `{h}.{c}.${'A'.repeat(86)}` }, refused],
  ['PS256 by its header, RS256 by its signature', { header: { alg: 'PS256' } }, refused],
  ['an algorithm that nobody knows', { header: { alg: 'XS999' } }, refused],
  ['__proto__ as its algorithm', { headerText: '{"alg":"__proto__","kid":"k1"}' }, refused],
  ['a stranger signs', { by: 'stranger' }, refused],
  ['another issuer', { claims: { iss: 'https://evil.example' } }, refused],
  [
    'an issuer with a slash more',
    { claimsText: '{"iss":"{iss}/","aud":"reins","sub":"s","iat":1,"exp":9999999999}' },
    refused,
  ],
  ['a list of issuers', { claimsText: '{"iss":["{iss}"],"aud":"reins","sub":"s","iat":1,"exp":9999999999}' }, refused],
  ['no issuer', { claims: { iss: undefined } }, refused],
  ['another audience', { claims: { aud: 'billing' } }, refused],
  ['other audiences', { claims: { aud: ['billing', 'reins-2'] } }, refused],
  ['an audience that begins alike', { claims: { aud: 'reins.evil.example' } }, refused],
  ['an audience that is an object', { claims: { aud: { reins: true } } }, refused],
  ['no audience', { claims: { aud: undefined } }, refused],
  ['expired an hour ago', { shiftS: -2 * hour }, refused],
  ['issued in an hour', { claims: { iat: 99_999_999_999 / 10 } }, refused],
  ['valid in an hour', { claims: { nbf: 9_999_999_999 } }, refused],
  ['no expiry', { claims: { exp: undefined } }, refused],
  ['an expiry that is a text', { claims: { exp: '9999999999' } }, refused],
  ['an expiry beyond all', { claimsText: '{"iss":"{iss}","aud":"reins","sub":"s","iat":1,"exp":1e999}' }, refused],
  ['an expiry that is true', { claims: { exp: true } }, refused],
  ['no time of issue', { claims: { iat: undefined } }, refused],
  ['no subject', { claims: { sub: undefined } }, refused],
  ['an empty subject', { claims: { sub: '' } }, refused],
  ['a subject that is a list', { claims: { sub: ['admin'] } }, refused],
  ['a subject of a thousand characters', { claims: { sub: 'x'.repeat(1000) } }, refused],
  ['kid that is a path', withKid('../../../../dev/null'), refused],
  ['kid that is SQL', withKid("x' UNION SELECT 'secret' --"), refused],
  ['kid that is an address', withKid('https://evil.example/jwks.json'), refused],
  ['kid that is a command', withKid('k1|/bin/sh -c id'), refused],
  ['kid with NUL', withKid('k1\u0000'), refused],
  ['kid that is __proto__', withKid('__proto__'), refused],
  ['kid that is a number', withKid(1), refused],
  ['kid that is an object', withKid({ $ne: null }), refused],
  ['kid of a thousand characters', withKid('k'.repeat(1000)), refused],
  ['jku of a stranger', { header: { jku: '{evil}/jwks' }, by: 'stranger' }, refused],
  ['jku of a stranger, and a kid of theirs', { header: { jku: '{evil}/jwks', kid: 'evil' }, by: 'stranger' }, refused],
  ['x5u of a stranger', { header: { x5u: '{evil}/cert.pem' }, by: 'stranger' }, refused],
  ['jwk of a stranger in the header', { header: { jwk: '{strangers-key}' }, by: 'stranger' }, refused],
  ['x5c of a stranger in the header', { header: { x5c: ['MIIB'] }, by: 'stranger' }, refused],
  ['crit', { header: { crit: ['exp'] } }, refused],
  ['crit with b64', { header: { crit: ['b64'], b64: false } }, refused],
  ['b64 without crit', { header: { b64: false } }, refused],
  ['typ of a logout', { header: { typ: 'logout+jwt' } }, refused],
  ['typ of an event', { header: { typ: 'secevent+jwt' } }, refused],
  ['typ that is a list', { header: { typ: ['JWT'] } }, refused],
  [
    'a claim that stands twice',
    { claimsText: '{"iss":"{iss}","aud":"reins","sub":"a","sub":"b","iat":1,"exp":9999999999}' },
    refused,
  ],
  [
    'a claim that stands twice, once escaped',
    { claimsText: '{"iss":"{iss}","aud":"reins","sub":"a","s\\u0075b":"b","iat":1,"exp":9999999999}' },
    refused,
  ],
  ['a header that names its algorithm twice', { headerText: '{"alg":"none","alg":"RS256","kid":"k1"}' }, refused],
  ['claims that are a list', { claimsText: '[]' }, refused],
  ['claims that are null', { claimsText: 'null' }, refused],
  ['claims that are no JSON', { claimsText: '{"iss":' }, refused],
  ['claims of ten thousand lists', { claimsText: `${'['.repeat(2000)}${']'.repeat(2000)}` }, refused],
  ['claims with a mark before them', { claimsText: '\ufeff{}' }, refused],
  ['detached', { as: '{h}..{s}' }, refused],
  ['encrypted (JWE)', { as: '{h}.{c}.{s}.{c}.{s}' }, refused],
  ['two parts', { as: '{h}.{c}' }, refused],
  ['four parts', { as: '{h}.{c}.{s}.{s}' }, refused],
  ['dots alone', { as: 'ey..' }, refused],
  ['padded base64', { as: '{h}=.{c}.{s}' }, refused],
  ['base64 of the other alphabet', { as: '{h}.{c}.{s}+/' }, refused],
  ['another signature', { as: '{h}.{c}.AAAA{s}' }, refused],
  ['a signature that is cut', { as: '{h}.{c}.AAAA' }, refused],
  [
    'signed parts of two tokens',
    { claims: { sub: 'other' }, as: `{h}.${Buffer.from('{"sub":"admin"}').toString('base64url')}.{s}` },
    refused,
  ],
  ['nine thousand characters', { as: `{h}.{c}.${'A'.repeat(8500)}` }, refused],
  ['a token of Reins that is mistyped', { as: `reins_${'A'.repeat(49)}` }, refused],
  ['a hash instead of a token', { as: '0'.repeat(64) }, refused],
  ['an object of JavaScript', { as: '__proto__' }, refused],
  ['two tokens in one header', { as: '{h}.{c}.{s},{h}.{c}.{s}' }, refused],
]

export const hostileTokens = kindOf(
  'tokens',
  'JWTs that are forged, meant for others, expired or misshapen, and texts that are no tokens, at a running product',
  rows,
)
