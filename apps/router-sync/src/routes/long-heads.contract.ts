import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { ask } from '../testing/client.js';
import { startInstance, type TestInstance } from '../testing/test-instance.js';
import type { ServingRouter } from './serving.contract.js';

/** As much as fits in one buffer for the head of a request, in both kinds of proxy. */
const HEAD_BYTES = 12_000;
const filled = (part: string): string =>
  part.repeat(Math.ceil(HEAD_BYTES / part.length)).slice(0, HEAD_BYTES);

/** Each is a line that makes work for a pattern that tries one beginning after another. */
const COOKIES: Readonly<Record<string, string>> = {
  spaces: `x${filled(' ')}x`,
  'spaces after a value': `beta=${filled(' ')}x`,
  tabs: `x${filled('\t')}x`,
  letters: filled('x'),
  semicolons: filled(';'),
  'equal signs': filled('='),
  'the name without a value': filled('beta '),
  'the name with another value': filled('beta=2; '),
  'the name of the header': filled('\tcookie: '),
  'names and spaces': filled('a =   ;'),
};
/** What linear work needs less than a hundredth of, and the work of a square or a cube more than a minute. */
const SOON_MS = 3_000;

/** A client that fills the head of its request holds nobody else up. */
export const describeLongHeads = (name: string, create: () => Promise<ServingRouter>): void => {
  describe(`${name} and a long head of a request`, () => {
    let underTest: ServingRouter;
    let instance: TestInstance;
    const [ruled, plain] = ['ruled.localhost', 'plain.localhost'];
    beforeAll(async () => {
      underTest = await create();
      instance = await startInstance('i1', 0);
      const { port } = instance;
      await underTest.router.apply(
        ['ruled', 'plain'].flatMap((appId) => [
          {
            kind: 'serve' as const,
            endpoint: { instanceId: `${appId}-1`, appId, host: '127.0.0.1', port, weight: 1 },
          },
          { kind: 'bind-host' as const, host: `${appId}.localhost`, appId },
        ]),
      );
    });
    afterAll(async () => {
      await underTest.close();
      await instance.kill();
    });

    /** How long a request takes, and with it those of other clients that come meanwhile. */
    const took = async (host: string, headers: Record<string, string>): Promise<number> => {
      const began = performance.now();
      const all = await Promise.all([
        ask(underTest.port, { host, headers }),
        ...Array.from({ length: 8 }, () => ask(underTest.port, { host: plain })),
      ]);
      expect(all.map(({ status }) => status)).toEqual(all.map(() => 200));
      return performance.now() - began;
    };
    const match = (rule: string) =>
      underTest.router.apply([
        { kind: 'match', appId: 'ruled', match: { rule, instanceIds: ['ruled-1'] } },
      ]);

    for (const [what, cookie] of Object.entries(COOKIES)) {
      it(`costs a rule by cookie no more than to read it: ${what}`, async () => {
        await match('cookie:beta=1');
        const without = await took(plain, { cookie });
        expect(await took(ruled, { cookie })).toBeLessThan(without + SOON_MS);
      });
    }

    it('costs a rule by header no more than to read it', async () => {
      await match('header:x-canary=yes');
      for (const value of [`x${filled(' ')}x`, filled('\tx-canary: ')]) {
        const headers = { 'x-canary': value };
        const without = await took(plain, headers);
        expect(await took(ruled, headers)).toBeLessThan(without + SOON_MS);
      }
    });

    it('is refused when it has more headers than anybody needs', async () => {
      const headers = Object.fromEntries(
        Array.from({ length: 600 }, (_, i) => [`x-forwarded-${i}`, '1']),
      );
      expect((await ask(underTest.port, { host: plain, headers })).status).toBe(400);
    });

    it('finds no app at a host of labels without end', async () => {
      const host = filled('a.').slice(0, -1);
      const { status } = await ask(underTest.port, { host });
      expect([400, 404]).toContain(status);
    });
  });
};
