import type { Gate } from '@shiplog/api-client';
import { relativeTime } from './time.js';

/** What stands in the way of releases, as far as anything does. */
export const gateFields = (
  { lock, frozen, nextFreeze }: Gate,
  nowMs: number,
): [string, string][] => [
  ...(lock === null
    ? []
    : [
        [
          'Locked',
          `${relativeTime(lock.since, nowMs)} by ${lock.by}${untilText(lock.until, nowMs)}: ${lock.why}`,
        ] as [string, string],
      ]),
  ...frozen.map(({ freeze, until, why, ofPlatform }): [string, string] => [
    'Frozen',
    `${nameText(freeze, ofPlatform)}${untilText(until, nowMs)}${why === null ? '' : `: ${why}`}`,
  ]),
  ...(nextFreeze === null
    ? []
    : [
        [
          'Next freeze',
          `${nameText(nextFreeze.freeze, nextFreeze.ofPlatform)}, ${relativeTime(nextFreeze.from, nowMs)} (${nextFreeze.from})`,
        ] as [string, string],
      ]),
];

const untilText = (until: string | null, nowMs: number): string =>
  until === null ? '' : `, ends ${relativeTime(until, nowMs)} (${until})`;

const nameText = (freeze: string, ofPlatform: boolean): string =>
  ofPlatform ? `${freeze} (whole platform)` : freeze;
