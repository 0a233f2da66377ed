// What integration tests read of the environment: where a nats-server may be found.
export const searchPath = process.env.PATH ?? ''
