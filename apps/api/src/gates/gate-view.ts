import { activeLock, PLATFORM_FREEZES, type Lock } from '@shiplog/domain';
import { positionBefore } from '@shiplog/events';
import { nextSpan, openSpan } from '@shiplog/schedule';
import { timeOf, type ReadModels } from '@shiplog/read-models';
import type { ProcessContext } from '@shiplog/runtime';
import type { z } from 'zod';
import type { freezeSchema, gate, lock as lockSchema } from './gates.routes.js';
import { freezesAt, nextFreeze, openFreezes, type NamedFreeze } from './open-freezes.js';

type GateView = z.infer<typeof gate>;
type FreezeView = z.infer<typeof freezeSchema>;

export const toLock = ({ by, ...rest }: Lock): z.infer<typeof lockSchema> => ({
  ...rest,
  by: by.name,
});

/** What stands in the way of releases at that time. */
export const toGate = (
  lock: Lock | undefined,
  freezes: readonly NamedFreeze[],
  atMs: number,
): GateView => {
  const held = activeLock(lock, new Date(atMs).toISOString());
  return {
    lock: held === undefined ? null : toLock(held),
    frozen: [...openFreezes(freezes, atMs)],
    nextFreeze: nextFreeze(freezes, atMs),
  };
};

export const toFreeze = (
  { freeze, ofPlatform, window, timeZone, why }: NamedFreeze,
  atMs: number,
): FreezeView => {
  const open = openSpan(window, timeZone, atMs);
  const next = nextSpan(window, timeZone, atMs);
  const iso = (ms: number): string => new Date(ms).toISOString();
  return {
    ...{ freeze, ofPlatform, window, timeZone, why },
    openUntil: open === null ? null : iso(open.untilMs),
    next: next === null ? null : { from: iso(next.fromMs), until: iso(next.untilMs) },
  };
};

type Api = Pick<ProcessContext, 'log'>;

/** Windows as of the documents: of the platform, then of the app. */
export const freezesAsOf = async (
  { log }: Api,
  documents: Pick<ReadModels, 'position'>,
  appId?: string,
): Promise<readonly NamedFreeze[]> => {
  const position = await documents.position();
  const ids = [PLATFORM_FREEZES, ...(appId === undefined ? [] : [appId])];
  return (await Promise.all(ids.map((id) => freezesAt(log, id, position)))).flat();
};

/** The time that is looked at: what was asked for, that of the place in the log, or now. */
export const momentOf = async (
  { log }: Api,
  documents: Pick<ReadModels, 'position'>,
  at: string | undefined,
  nowMs: number,
): Promise<number> => {
  if (at === undefined) return nowMs;
  const asked = timeOf(at);
  if (asked !== null) return asked;
  const [record] = await log.readAfter(positionBefore(await documents.position()), 1);
  return record === undefined ? nowMs : Date.parse(record.commit.time);
};
