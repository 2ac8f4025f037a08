import { START } from '@shiplog/events';
import { LogUnavailableError } from '@shiplog/events/log';
import { beforeEach, describe, expect, it, vi } from 'vitest';
import { ReadinessProbe } from './readiness.js';

let nowMs: number;
let probe: ReturnType<typeof vi.fn<() => Promise<void>>>;
let head: ReturnType<typeof vi.fn<() => Promise<string>>>;
let readiness: ReadinessProbe;
beforeEach(() => {
  nowMs = 0;
  probe = vi.fn(() => Promise.resolve());
  head = vi.fn(() => Promise.resolve(START));
  const feed = { reach: () => Promise.resolve() };
  readiness = new ReadinessProbe({ probe, head }, feed, () => nowMs);
});

const isReadyAfter = async (ms: number): Promise<boolean> => {
  nowMs += ms;
  return (await readiness.check()).ready;
};

describe('readiness', () => {
  it('needs a log that stores, not only one that answers', async () => {
    probe.mockRejectedValue(new LogUnavailableError('probing', 'unknown'));
    expect(await readiness.check()).toEqual({ ready: false, reason: 'the log stores nothing' });
    probe.mockResolvedValue();
    expect(await isReadyAfter(1_000)).toBe(true);
  });

  it('does not wait for a server that is frozen', async () => {
    probe.mockReturnValue(new Promise(() => undefined));
    head.mockReturnValue(new Promise(() => undefined));
    expect(await isReadyAfter(0)).toBe(false);
  });

  it('stores once in ten seconds, however often it is asked', async () => {
    for (let i = 0; i < 19; i += 1) expect(await isReadyAfter(500)).toBe(true);
    expect(probe).toHaveBeenCalledTimes(1);
    await isReadyAfter(1_000);
    expect(probe).toHaveBeenCalledTimes(2);
  });

  it('takes a change that succeeded for a proof', async () => {
    readiness.appendSucceeded();
    expect(await isReadyAfter(5_000)).toBe(true);
    expect(probe).not.toHaveBeenCalled();
  });

  it('is lost with a change that failed, until one succeeds or some time has passed', async () => {
    const failed = new LogUnavailableError('appending', 'not-written');
    readiness.appendFailed(failed);
    expect(await isReadyAfter(10_000)).toBe(false);
    readiness.appendSucceeded();
    expect(await isReadyAfter(1_000)).toBe(true);
    readiness.appendFailed(failed);
    expect(await isReadyAfter(1_000)).toBe(false);
    expect(await isReadyAfter(30_000)).toBe(true);
  });

  it('needs a leader that answers, however fresh the newest change is', async () => {
    readiness.appendSucceeded();
    head.mockRejectedValue(new LogUnavailableError('asking', 'not-written'));
    expect(await isReadyAfter(0)).toBe(false);
  });
});
