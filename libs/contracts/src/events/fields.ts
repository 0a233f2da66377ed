// Fields that the events of several families have.
import { Type } from 'typebox'

/** Characters of a name or an id: the one limit, for what people give as for what is made here. */
export const maxNameChars = 128
export const id = Type.String({ minLength: 1, maxLength: maxNameChars })
export const attempt = Type.Integer({ minimum: 1 })
