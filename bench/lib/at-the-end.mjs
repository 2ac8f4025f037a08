// What a benchmark started goes at its end, whatever that is: done, failed, or a signal.

const undone = [];

/** To be done at the end, the last one first. */
export const atTheEnd = (undo) => {
  undone.push(undo);
};

/** Does it, each once; what fails keeps nothing else from being done. */
export const endAll = async () => {
  while (undone.length > 0) {
    await Promise.resolve(undone.pop()()).catch((error) => console.error(error));
  }
};

for (const signal of ['SIGINT', 'SIGTERM', 'SIGHUP'])
  process.once(signal, () => void endAll().finally(() => process.exit(1)));
process.once('uncaughtException', (error) => {
  console.error(error);
  void endAll().finally(() => process.exit(1));
});
