import type { KnownCertificate } from '@shiplog/domain';
import { describe, expect, it } from 'vitest';
import { certificatesVerdict } from './certificates.js';

const NOW = Date.parse('2026-11-26T00:00:00.000Z');
const at = (days: number): string => new Date(NOW + days * 86_400_000).toISOString();
const failure = { attempt: 2, code: 'refused', summary: 'no address', retryAt: at(1) };
const known = (
  domain: string,
  ends: number | null,
  more: { source?: 'own' | 'acme'; failure?: typeof failure } = {},
): KnownCertificate => ({
  ...{ status: 'known', domain, order: null, failure: more.failure ?? null },
  certificate:
    ends === null
      ? null
      : {
          ...{ fingerprint: 'f', names: [], issuer: 'CA', source: more.source ?? 'acme' },
          ...{ notBefore: at(-60), notAfter: at(ends) },
        },
});

describe('certificates', () => {
  it.each([
    ['ok', [], 'none'],
    ['ok', [known('a', 30), known('b', 1)], '2, none of them ends soon'],
    ['warning', [known('a', 3, { source: 'own' })], 'a ends in'],
    ['warning', [known('a', 3, { failure })], '(no address)'],
    ['warning', [known('a', null, { failure })], 'a has none (no address)'],
    ['failed', [known('a', -1), known('b', 30)], 'over: a'],
  ] as const)('%s: %#', (state, all, summary) => {
    const verdict = certificatesVerdict(all, NOW);
    expect(verdict.state).toBe(state);
    expect(verdict.summary).toContain(summary);
  });
});
