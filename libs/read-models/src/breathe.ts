/** Lets requests and timers run between two pieces of a long job. */
export const breathe = (): Promise<void> => new Promise((resolve) => setImmediate(resolve));
