import type { RecordedCommit } from '@shiplog/events';
import type { LogFeed } from '@shiplog/events/log';

/** Collects what happens while its owner is busy, and wakes it up. */
export interface Inbox {
  /** Commits folded since the last call, oldest first. */
  take(): readonly RecordedCommit[];
  wake(): void;
  /** Resolves at the next commit, at `wake`, at the signal's abort, or after `timeoutMs`. */
  next(timeoutMs: number): Promise<void>;
  close(): void;
}

export const openInbox = (feed: LogFeed, signal: AbortSignal): Inbox => {
  let records: RecordedCommit[] = [];
  let isAwake = false;
  let failure: Error | undefined;
  let resolveNext = (): void => undefined;
  const wake = (): void => {
    isAwake = true;
    resolveNext();
  };
  const unsubscribe = feed.onBatch((batch) => {
    records.push(...batch);
    wake();
  });
  signal.addEventListener('abort', wake);
  // Without a feed nothing would ever happen again: waiting on would be a lie.
  void feed.ended.then((error) => {
    failure = error ?? new Error('the log feed was stopped');
    wake();
  });
  return {
    take: () => {
      const taken = records;
      records = [];
      return taken;
    },
    wake,
    next: async (timeoutMs) => {
      if (!isAwake) {
        await new Promise<void>((resolve) => {
          const timer = setTimeout(resolve, timeoutMs);
          resolveNext = () => {
            clearTimeout(timer);
            resolve();
          };
        });
      }
      isAwake = false;
      if (failure !== undefined) throw failure;
    },
    close: () => {
      unsubscribe();
      signal.removeEventListener('abort', wake);
    },
  };
};
