// The one door of @reins/agent.
export {}
