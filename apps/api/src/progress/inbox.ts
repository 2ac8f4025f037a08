import type { RecordedCommit } from '@shiplog/events';
import type { LogFeed } from '@shiplog/events/log';

type Feed = Pick<LogFeed, 'onBatch' | 'onEnd'>;

/** Wakes its owner up when something happens. */
export interface Alarm {
  wake(): void;
  /** Resolves at the next commit, at `wake`, at the signal's abort, or after `timeoutMs`. */
  next(timeoutMs: number): Promise<void>;
  close(): void;
}

/** An alarm that collects what happens while its owner is busy. Whoever opens one has to take it out. */
export interface Inbox extends Alarm {
  /** Commits folded since the last call, oldest first. */
  take(): readonly RecordedCommit[];
}

export const openAlarm = (
  feed: Feed,
  signal: AbortSignal,
  onBatch: (batch: readonly RecordedCommit[]) => void = () => undefined,
): Alarm => {
  let isAwake = false;
  let failure: Error | undefined;
  let resolveNext = (): void => undefined;
  const wake = (): void => {
    isAwake = true;
    resolveNext();
  };
  const subscriptions = [
    feed.onBatch((batch) => {
      onBatch(batch);
      wake();
    }),
    // Without a feed nothing would ever happen again: waiting on would be a lie.
    feed.onEnd((error) => {
      failure = error;
      wake();
    }),
  ];
  signal.addEventListener('abort', wake);
  return {
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
      for (const unsubscribe of subscriptions) unsubscribe();
      signal.removeEventListener('abort', wake);
    },
  };
};

export const openInbox = (feed: Feed, signal: AbortSignal): Inbox => {
  let records: RecordedCommit[] = [];
  const alarm = openAlarm(feed, signal, (batch) => records.push(...batch));
  return {
    ...alarm,
    take: () => {
      const taken = records;
      records = [];
      return taken;
    },
  };
};
