// A page of a list, as every list of this door is asked for it.
import { Type } from 'typebox'

/** Of a query: `limit`, `most` where the caller names none, and `after`, of at most so many characters. */
export const pageQuery = (most: number, nextChars = 200) => ({
  limit: Type.Optional(Type.Integer({ minimum: 1, maximum: 500, description: `Default ${most}` })),
  after: Type.Optional(Type.String({ maxLength: nextChars, description: 'The "next" of the page before' })),
})
