import { once } from 'node:events';
import type { Response } from 'express';

/** A stream on which nothing was said for this long says nothing on purpose, so that it is not cut. */
const HEARTBEAT_MS = 10_000;

interface StreamOptions {
  readonly contentType: string;
  /** Sent when nothing else was for a while; readers skip it. */
  readonly heartbeat: string;
  /** Asked with each heartbeat and at least every few seconds: may the caller still read? */
  readonly mayGoOn: () => boolean;
}

/**
 * Writes texts as they come, at the pace of the reader. The signal of the producer is aborted when the
 * reader goes away or may read no more. Headers go out first, so that the reader knows that it is
 * connected; what has to be refused is refused before.
 */
export const streamTo = async (
  response: Response,
  options: StreamOptions,
  produce: (signal: AbortSignal) => AsyncIterable<string>,
): Promise<void> => {
  const abort = new AbortController();
  response.once('close', () => abort.abort());
  begin(response, options.contentType);
  if (response.req.method === 'HEAD') return void response.end();
  let lastAtMs = Date.now();
  const timer = setInterval(() => {
    if (!options.mayGoOn()) {
      abort.abort();
      response.end();
    } else if (Date.now() - lastAtMs >= HEARTBEAT_MS) {
      lastAtMs = Date.now();
      response.write(options.heartbeat);
    }
  }, HEARTBEAT_MS / 4);
  timer.unref();
  try {
    for await (const text of produce(abort.signal)) {
      if (abort.signal.aborted) break;
      lastAtMs = Date.now();
      if (!response.write(text)) await drained(response, abort.signal);
    }
    response.end();
  } finally {
    clearInterval(timer);
  }
};

const begin = (response: Response, contentType: string): void => {
  response.setHeader('Content-Type', contentType);
  response.setHeader('Cache-Control', 'no-store');
  // Proxies that buffer would turn a live stream into a late one.
  response.setHeader('X-Accel-Buffering', 'no');
  response.flushHeaders();
};

/** A reader that takes nothing at all for this long is cut off: what it has not read lies in our memory. */
const STUCK_MS = 60_000;

const drained = async (response: Response, signal: AbortSignal): Promise<void> => {
  if (signal.aborted) return;
  const timer = setTimeout(() => response.destroy(), STUCK_MS);
  await once(response, 'drain', { signal }).catch(() => undefined);
  clearTimeout(timer);
};
