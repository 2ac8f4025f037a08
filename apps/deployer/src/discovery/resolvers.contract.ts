import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import type { Resolvers } from './resolvers.port.js';

export interface ResolversUnderTest {
  readonly resolvers: Resolvers;
  /** Another life of the same process. */
  readonly again: () => Resolvers;
  /** The hosts file that the team's server answers from, its lines sorted; undefined where there is no server. */
  readonly answersOf: (teamId: string) => Promise<string | undefined>;
  /** Somebody removes the team's server. */
  readonly lose: (teamId: string) => Promise<void>;
  readonly end: () => Promise<void>;
}

const line = (n: number): string => `10.176.1.${n} web.shop.internal shop.internal\n`;

/** What every adapter of the port does. */
export const describeResolvers = (name: string, open: () => Promise<ResolversUnderTest>): void => {
  describe(`${name} as name servers of teams`, () => {
    let under: ResolversUnderTest;
    beforeAll(async () => {
      under = await open();
    });
    afterAll(() => under.end());

    it('make none to answer nothing', async () => {
      await under.resolvers.publish('t1', '');
      expect(await under.answersOf('t1')).toBeUndefined();
    });

    it('answer what was published last, each for its team', async () => {
      await under.resolvers.publish('t1', line(1));
      await under.resolvers.publish('t2', line(9));
      await under.resolvers.publish('t1', line(1) + line(2));
      await under.resolvers.publish('t1', line(2) + line(3));
      expect(await under.answersOf('t1')).toBe(line(2) + line(3));
      expect(await under.answersOf('t2')).toBe(line(9));
    });

    it('go on in another life where they were', async () => {
      const next = under.again();
      await next.publish('t1', line(3) + line(4));
      expect(await under.answersOf('t1')).toBe(line(3) + line(4));
      await next.publish('t1', '');
      expect(await under.answersOf('t1')).toBe('');
    });

    it('go when nothing of the team runs any more, and come back with the next one', async () => {
      await under.resolvers.dismiss('t1');
      expect(await under.answersOf('t1')).toBeUndefined();
      await under.resolvers.dismiss('t1');
      await under.resolvers.dismiss('nobody');
      await under.resolvers.publish('t1', '');
      expect(await under.answersOf('t1')).toBeUndefined();
      await under.resolvers.publish('t1', line(5));
      expect(await under.answersOf('t1')).toBe(line(5));
      expect(await under.answersOf('t2')).toBe(line(9));
    });

    it('come back when somebody removed them', async () => {
      await under.lose('t2');
      under.resolvers.distrust();
      await under.resolvers.publish('t2', line(9));
      expect(await under.answersOf('t2')).toBe(line(9));
    });
  });
};
