import type { PlatformConfig } from '@shiplog/runtime';

const DAY_MS = 24 * 60 * 60_000;

/** What a domain is reserved with, whoever reserves it: the proof that its team owes from now on, where one is demanded. */
export const demandedProof = (
  { domainChecks }: Pick<PlatformConfig, 'domainChecks'>,
  nowMs: number,
): { proof?: { since: string; until: string } } => {
  if (!domainChecks.areDemanded) return {};
  const until = new Date(nowMs + domainChecks.lapseDays * DAY_MS);
  return { proof: { since: new Date(nowMs).toISOString(), until: until.toISOString() } };
};
