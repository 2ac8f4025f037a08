import { expect, it } from 'vitest';
import { openInbox } from './inbox.js';

const feedThatCounts = () => {
  let listeners = 0;
  const listen = (): (() => void) => {
    listeners += 1;
    return () => (listeners -= 1);
  };
  return { onBatch: listen, onEnd: listen, listeners: () => listeners };
};

it('is held by nobody once it is closed', () => {
  const feed = feedThatCounts();
  const inbox = openInbox(feed, new AbortController().signal);
  expect(feed.listeners()).toBe(2);
  inbox.close();
  expect(feed.listeners()).toBe(0);
});
