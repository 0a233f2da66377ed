// Characters that show as nothing, or that turn what stands beside them: whoever shows a stranger's text to a person shows these too, or
// leaves them out. The joiners of emoji and of Persian are none of them.

/** The source of a pattern, for `g` without `u`: each match is one character. */
export const hiddenCharacters =
  '[\\xad\\u034f\\u061c\\u115f\\u1160\\u17b4\\u17b5\\u180b-\\u180f\\u200b\\u200e\\u200f\\u2028-\\u202e\\u2060-\\u206f\\u3164\\ufe00-\\ufe0f\\ufeff\\uffa0\\ufff0-\\ufffb]|\\ud834[\\udd73-\\udd7a]|[\\udb40-\\udb43][\\udc00-\\udfff]'
