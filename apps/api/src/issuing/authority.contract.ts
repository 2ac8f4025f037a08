import { createPrivateKey, X509Certificate } from 'node:crypto';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import type { Authority } from './authority.port.js';

export interface TestAuthority {
  readonly authority: Authority;
  /** A host that answers the authority, and one that nobody answers for. */
  readonly ours: string;
  readonly foreign: string;
  readonly stop: () => Promise<void>;
}

/** What every authority must do. */
export const describeAuthority = (name: string, start: () => Promise<TestAuthority>): void => {
  describe(`${name} as an authority`, () => {
    let test: TestAuthority;
    beforeAll(async () => (test = await start()));
    afterAll(() => test.stop());

    it('issues a certificate for a host of ours, with a key of its own each time', async () => {
      const order = { domain: test.ours, challenge: 'http-01' } as const;
      const [one, two] = [await test.authority.issue(order), await test.authority.issue(order)];
      const certificate = new X509Certificate(one.chain);
      expect(certificate.checkHost(test.ours)).toBe(test.ours);
      expect(certificate.checkPrivateKey(createPrivateKey(one.privateKey))).toBe(true);
      expect(Date.parse(certificate.validTo)).toBeGreaterThan(Date.now());
      expect(two.privateKey).not.toBe(one.privateKey);
    });

    it('refuses one for a host that is not ours, and says why', async () => {
      const failed = test.authority.issue({ domain: test.foreign, challenge: 'http-01' });
      await expect(failed).rejects.toMatchObject({ code: 'refused' });
      await expect(failed).rejects.toThrow(/\S+/);
    });

    it('answers a token the same every time', async () => {
      const answer = await test.authority.answerTo('token-1');
      expect(answer).toMatch(/^token-1\.[A-Za-z0-9_-]+$/);
      expect(await test.authority.answerTo('token-1')).toBe(answer);
    });
  });
};
