import { INTERVAL_MS, type KeeperState } from '@shiplog/integrity';
import { agoOf, bad, ok, type Verdict } from './verdict.js';

/** Looked at every half minute, so that this much is more than late. */
const LATE_MS = 2 * INTERVAL_MS;

/** Is everything signed, and has everybody who keeps checkpoints the newest one? */
export const checkpointsVerdict = (
  { newest, copies, problem }: KeeperState,
  nowMs: number,
): Verdict => {
  if (problem !== null) {
    return bad(
      'failed',
      `the log is not signed any further: ${problem}`,
      '`shiplog audit verify` tells what is wrong with the log; docs/integrity.md what to do',
    );
  }
  if (newest === null) return ok('the first one is on its way');
  const place = `checkpoint ${newest.number}, ${agoOf(newest.time, nowMs)}, over ${newest.total} commits`;
  const behind = copies.filter((copy) => copy.problem !== null);
  if (behind.length > 0) {
    const who = behind.map((copy) => `${copy.name} (${copy.problem})`).join('; ');
    return bad(
      'warning',
      `${place}; not kept by ${who}`,
      'make the witness reachable and writable: it then gets what it missed by itself',
    );
  }
  if (nowMs - Date.parse(newest.time) > LATE_MS) {
    return bad('warning', `${place}: that is late`, 'look at the log of the api');
  }
  return ok(`${place}; kept by ${['SQL', ...copies.map(({ name }) => name)].join(', ')}`);
};
