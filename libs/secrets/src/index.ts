// The one door of @reins/secrets.
export {}
