import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import type { TxtRecords } from './txt-records.port.js';

interface TxtRecordsUnderTest {
  readonly records: TxtRecords;
  /** One that nobody answers. */
  readonly silent: TxtRecords;
  close(): Promise<void>;
}
export type Zone = Readonly<Record<string, readonly string[]>>;

const LONG = 'x'.repeat(600);
const ZONE: Zone = {
  '_shiplog-challenge.example.com': ['shiplog-verify=abc'],
  'several.example.com': ['v=spf1 -all', 'shiplog-verify=def', 'a "quoted" one'],
  'long.example.com': [LONG],
};

/** What everybody who is asked for TXT records promises. `create` serves the given names and no others. */
export const describeTxtRecords = (
  name: string,
  create: (zone: Zone) => Promise<TxtRecordsUnderTest>,
): void => {
  describe(`${name} as TXT records`, () => {
    let underTest: TxtRecordsUnderTest;
    beforeAll(async () => {
      underTest = await create(ZONE);
    });
    afterAll(() => underTest.close());
    const textsAt = async (at: string) => {
      const answer = await underTest.records.at(at);
      return answer.kind === 'found' ? answer.texts.toSorted() : answer.kind;
    };

    it('tells every record of a name, whole, whatever the case', async () => {
      for (const [at, texts] of Object.entries(ZONE)) {
        expect(await textsAt(at)).toEqual(texts.toSorted());
      }
      expect(await textsAt('_SHIPLOG-challenge.Example.com')).toEqual(['shiplog-verify=abc']);
    });

    it('says that there is none', async () => {
      expect(await textsAt('nobody.example.com')).toBe('none');
      expect(await textsAt('example.com')).toBe('none');
    });

    it('says that it does not know where nobody answers', async () => {
      const answer = await underTest.silent.at('_shiplog-challenge.example.com');
      expect(answer).toMatchObject({
        kind: 'unknown',
        reason: expect.stringContaining('_shiplog-challenge.example.com') as unknown,
      });
    });
  });
};
