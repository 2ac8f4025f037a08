import { randomBytes } from 'node:crypto';
import { hostname } from 'node:os';
import { text } from 'node:stream/consumers';
import { z } from 'zod';
import { BackupError } from '../backup-error.js';
import type { BackupTarget } from '../target/backup-target.port.js';
import { putText } from './backup-set.js';

const holder = z.object({
  id: z.string(),
  host: z.string(),
  pid: z.number(),
  life: z.string(),
  renewedAt: z.iso.datetime(),
});
type Holder = z.infer<typeof holder>;

/** Numbers of processes come again, in a container even the same one: this does not. */
const LIFE = randomBytes(8).toString('hex');

const RENEW_MS = 60_000;
/** Who renewed nothing for so long is gone. */
const STALE_MS = 10 * 60_000;

export interface TargetLock {
  /**
   * Throws `backup-target-busy` when somebody took it meanwhile: after a pause of this machine, say, or by a
   * clock that is wrong. Who asks it before it removes anything takes nothing that the other one relies on.
   */
  requireHeld(): Promise<void>;
  release(): Promise<void>;
}

interface LockOptions {
  /** Of the run that takes it. */
  readonly id: string;
  readonly staging: string;
  readonly now: () => number;
}

/**
 * Keeps two runs from one target, whoever starts them: one would remove what the other relies on. A run
 * writes its own lock and then looks for others; where it sees one it withdraws. Of two at once at least
 * one sees the other, because what was written is seen by who looks later (S3, too, promises that).
 */
export const lockTarget = async (
  target: BackupTarget,
  { id, staging, now }: LockOptions,
): Promise<TargetLock> => {
  const name = `locks/${id}.json`;
  const write = async (): Promise<void> => {
    const own: Holder = {
      id,
      host: hostname(),
      pid: process.pid,
      life: LIFE,
      renewedAt: new Date(now()).toISOString(),
    };
    await putText(target, staging, name, JSON.stringify(own));
  };
  await write();
  const other = await otherHolder(target, name, now());
  if (other !== undefined) {
    await target.remove(name);
    throw new BackupError(
      'backup-target-busy',
      `another run uses ${target.address} (process ${other.pid} on ${other.host}, seen ${other.renewedAt}); try again when it has ended`,
    );
  }
  const isHeld = async (): Promise<boolean> => (await readHolder(target, name))?.life === LIFE;
  // What somebody took is not taken back.
  const renew = async (): Promise<void> => {
    if (await isHeld()) await write();
  };
  // A renewal that fails is no reason to end: the next one comes long before the lock counts as left.
  let renewal: Promise<void> = Promise.resolve();
  const timer = setInterval(() => {
    renewal = renewal.then(renew).catch(() => undefined);
  }, RENEW_MS);
  timer.unref();
  return {
    requireHeld: async () => {
      await renewal;
      if (await isHeld()) return;
      throw new BackupError(
        'backup-target-busy',
        `another run took ${target.address} while this one did not renew its lock: was the machine asleep, or is a clock wrong? Try again when it has ended`,
      );
    },
    release: async () => {
      clearInterval(timer);
      // One under way would put the lock back after it was given back.
      await renewal;
      await target.remove(name);
    },
  };
};

const otherHolder = async (
  target: BackupTarget,
  own: string,
  nowMs: number,
): Promise<Holder | undefined> => {
  for (const { name } of await target.list('locks/')) {
    if (name === own) continue;
    const found = await readHolder(target, name);
    if (found !== undefined && !isLeft(found, nowMs)) return found;
    await target.remove(name);
  }
  return undefined;
};

/** Undefined for one that has just gone, and for one that is no lock. */
const readHolder = async (target: BackupTarget, name: string): Promise<Holder | undefined> => {
  try {
    return holder.parse(JSON.parse(await text(await target.read(name))));
  } catch (error) {
    if (error instanceof BackupError && error.code === 'backup-target-unavailable') throw error;
    return undefined;
  }
};

/** Its process ended without giving it back: found at once on this machine, after a while elsewhere. */
const isLeft = ({ host, pid, life, renewedAt }: Holder, nowMs: number): boolean => {
  if (nowMs - Date.parse(renewedAt) > STALE_MS) return true;
  if (host !== hostname()) return false;
  return pid === process.pid ? life !== LIFE : !isAlive(pid);
};

const isAlive = (pid: number): boolean => {
  try {
    process.kill(pid, 0);
    return true;
  } catch (error) {
    return (error as NodeJS.ErrnoException).code === 'EPERM';
  }
};
