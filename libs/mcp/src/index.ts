// The one door of @reins/mcp.
export {}
