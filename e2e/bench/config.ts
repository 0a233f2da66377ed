// What the benchmarks read of the environment: it is handed on to the processes that they start.
export const environment: Readonly<Record<string, string | undefined>> = process.env
