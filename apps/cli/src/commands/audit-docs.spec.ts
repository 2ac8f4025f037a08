import { readFile } from 'node:fs/promises';
import { describe, expect, it } from 'vitest';
import { startFakeApi } from '../testing/fake-api.js';
import { runCli } from '../testing/run-cli.js';

const page = await readFile(new URL('../../../../docs/audit.md', import.meta.url), 'utf8');
const commands = [...page.matchAll(/^shiplog (.+?)(?: {2,}#.*)?$/gm)].map(
  ([, words = '']) => words,
);

/** As a shell splits it. */
const wordsOf = (line: string): string[] =>
  [...line.matchAll(/"([^"]*)"|\S+/g)].map(([word, quoted]) => quoted ?? word);

describe('docs/audit.md', () => {
  it('shows commands', () => {
    expect(commands.length).toBeGreaterThanOrEqual(10);
  });

  it.each(commands)('shows one that there is: shiplog %s', async (line) => {
    const api = await startFakeApi({ 'GET /v1/whoami': { platform: 'test' } });
    try {
      const { stderr } = await runCli(wordsOf(line), { url: api.url, isImpatient: true });
      // It asks for what it is about, and is told by this server that there is no such thing.
      expect(api.received.map(({ url }) => url).join(), stderr).toMatch(/\/v1\/(audit|why)/);
    } finally {
      await api.close();
    }
  });
});
