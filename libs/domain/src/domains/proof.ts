import type { DomainState } from '../identity/domain.js';

type Reserved = Extract<DomainState, { status: 'reserved' }>;
export type DomainProof = NonNullable<Reserved['proof']>;

/** Does the router answer for it? Only what is proven, where a proof is demanded. */
export const isProven = ({ proof }: Pick<Reserved, 'proof'>): boolean =>
  proof === null || proof.status === 'verified';

export type ProofStep = 'look' | 'lapse' | 'wait';

const LOOK_MS_MIN = 60_000;
const LOOK_MS_MAX = 6 * 60 * 60_000;

/**
 * What is due for a domain whose proof is demanded. The longer it takes, the rarer it is looked for: after as long
 * again as it has been waited for, a minute at least, six hours at most.
 */
export const proofStep = ({ proof }: Pick<Reserved, 'proof'>, nowMs: number): ProofStep => {
  if (proof === null || proof.status === 'verified') return 'wait';
  if (nowMs >= Date.parse(proof.until)) return 'lapse';
  const sinceMs = Date.parse(proof.since);
  const lastMs = proof.lastLook === null ? sinceMs : Date.parse(proof.lastLook.at);
  const waitMs = Math.min(LOOK_MS_MAX, Math.max(LOOK_MS_MIN, lastMs - sinceMs));
  return nowMs - lastMs >= waitMs ? 'look' : 'wait';
};
