/** Does something in so many milliseconds, once; returns how to take it back. */
export type Later = (ms: number, work: () => void) => () => void;

export const laterByClock: Later = (ms, work) => {
  const timer = setTimeout(work, ms);
  return () => clearTimeout(timer);
};
