import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { failuresOf, startLoad } from '../support/load.js';
import { TestPlatform } from '../support/platform.js';
import { deployed, type Repository } from '../support/repository.js';

/** Each: what is pushed over a healthy release, and what a person must read in the answer. */
const FAILURES = [
  ['never-healthy', [/503|500|not (become )?(ready|healthy)|HTTP/i]],
  ['wrong-address', [/127\.0\.0\.1:\d+/, /0\.0\.0\.0/]],
  ['crashes-at-start', [/exit(ed)?.*(code|status)? ?\d+|ended with/i, /cannot find the moon/]],
  ['out-of-memory', [/memory/i]],
] as const;

describe('an app that does not come up', () => {
  let platform: TestPlatform;
  let repository: Repository;
  beforeAll(async () => {
    platform = await TestPlatform.start({ name: 'failing' });
    repository = await deployed(platform, 'ledger', 'ledger');
    await platform.json(['settings', 'set', '-a', 'ledger', 'start-timeout=10', 'memory=128M']);
  });
  afterAll(async () => {
    await repository.remove();
    await platform.destroy();
  });

  for (const [source, said] of FAILURES) {
    it(`is explained, and the old release serves without a failed request: ${source}`, async () => {
      const load = await startLoad(platform, 'ledger');
      if (source === 'never-healthy') {
        await platform.json(['settings', 'set', '-a', 'ledger', 'health-path=/']);
      }
      await repository.become(source);
      const pushed = await repository.push(platform, 'ledger');
      const report = await load.stop();
      expect(pushed.code).not.toBe(0);
      for (const pattern of said) expect(pushed.stderr).toMatch(pattern);
      expect(await failuresOf(platform, 'ledger', report)).toEqual([]);
      expect(report.requests).toBeGreaterThan(100);
      await repository.become('ledger');
    });
  }
});
