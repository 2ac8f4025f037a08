import { describe, expect, it } from 'vitest';
import { START, toPosition } from '@shiplog/events';
import { InMemoryEventLog, type EventLog } from '@shiplog/events/log';
import { PastCrowdedError } from '../errors.js';
import { recordHistory } from '../testing/index.js';
import { Past } from './past.js';

/** A log of which nothing comes until it is let go. */
const heldLog = async () => {
  const { log } = await recordHistory({ apps: 1, turns: 5 });
  let letGo = (): void => undefined;
  const held = new Promise<void>((resolve) => (letGo = resolve));
  let reads = 0;
  const readAfter: EventLog['readAfter'] = async (after, limit) => {
    reads += 1;
    await held;
    return log.readAfter(after, limit);
  };
  const slow = Object.assign(Object.create(log) as EventLog, { readAfter });
  return { log: slow, letGo: () => letGo(), reads: () => reads };
};

describe('many looks at once', () => {
  it('wait for their turn, and are told to come again when too many wait', async () => {
    const { log, letGo, reads } = await heldLog();
    const past = new Past(log);
    const looks = Array.from({ length: 16 }, (_, i) => past.at(toPosition(i + 1)));
    await expect(past.at(toPosition(17))).rejects.toBeInstanceOf(PastCrowdedError);
    await expect.poll(reads).toBe(1);
    letGo();
    expect(await Promise.all((await Promise.all(looks)).map((one) => one.position()))).toEqual(
      looks.map((_, i) => toPosition(i + 1)),
    );
    await past.forget();
  });

  it('do no work for callers who went away, and all of it for the one who stayed', async () => {
    const { log, letGo, reads } = await heldLog();
    const past = new Past(log);
    const first = past.at(toPosition(1));
    const [gone, other] = [new AbortController(), new AbortController()];
    const left = past.at(toPosition(2), gone.signal);
    const shared = past.at(toPosition(3), other.signal);
    const stayed = past.at(toPosition(3));
    await expect.poll(reads).toBe(1);
    gone.abort();
    other.abort();
    letGo();
    await expect(left).rejects.toThrow('aborted');
    expect(await (await stayed).position()).toBe(toPosition(3));
    await shared;
    await first;
    // One page for the first, one for the third that is folded on from it.
    expect(reads()).toBe(2);
    await past.forget();
  });

  it('are not answered by what was given up', async () => {
    const { log, letGo } = await heldLog();
    const past = new Past(log);
    const gone = new AbortController();
    const left = past.at(toPosition(2), gone.signal);
    gone.abort();
    const again = past.at(toPosition(2));
    letGo();
    await expect(left).rejects.toThrow('aborted');
    expect(await (await again).position()).toBe(toPosition(2));
    await past.forget();
  });

  it('keep what is being looked at, and let the rest go', async () => {
    const past = new Past(new InMemoryEventLog());
    const models = await past.at(START);
    expect(await models.apps()).toEqual([]);
    await past.forget();
  });
});
