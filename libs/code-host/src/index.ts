// The one door of @reins/code-host.
export {}
