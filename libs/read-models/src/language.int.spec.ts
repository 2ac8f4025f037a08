import { execFile } from 'node:child_process';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';
import { expect, it } from 'vitest';

/** Node reads the language when it starts: each has a process of its own. */
const SCRIPT = `
  import { createHash } from 'node:crypto';
  import { FoldedLog } from '@shiplog/read-models';
  import { recordHistory } from '@shiplog/read-models/testing';
  import { documentsOf } from './dist/testing/documents-of.js';
  const platform = await recordHistory({ apps: 2, turns: 10, seed: 3 });
  const lines = [];
  for await (const line of (await documentsOf(platform)).dump()) lines.push(line);
  const odd = ['I', 'i', 'ı', 'İ', 'z', 'ä', 'a', 'Z'].map((key) =>
    JSON.stringify({ model: 'apps', key, document: { [key]: key } }));
  const folded = new FoldedLog(platform.log);
  await folded.foldTo(await platform.log.head());
  const dump = createHash('sha256').update(lines.join('')).digest('hex');
  const { differences } = await folded.compare([...lines.slice(1), ...odd]);
  await platform.stop();
  const { locale, timeZone } = Intl.DateTimeFormat().resolvedOptions();
  console.log(JSON.stringify({ locale, timeZone, made: { lines: lines.length, dump, differences } }));
`;

interface Printed {
  readonly locale: string;
  readonly timeZone: string;
  readonly made: { readonly lines: number; readonly differences: readonly { key: string }[] };
}

const printed = async (language: string, timeZone: string): Promise<Printed> => {
  const { stdout } = await promisify(execFile)(
    process.execPath,
    ['--input-type=module', '--eval', SCRIPT],
    {
      cwd: fileURLToPath(new URL('..', import.meta.url)),
      env: { PATH: process.env['PATH'], TZ: timeZone, LANG: language, LC_ALL: language },
    },
  );
  return JSON.parse(stdout) as Printed;
};

it('documents and what is said of differences are the same in every language and time zone', async () => {
  const [plain, turkish, swedish] = [
    await printed('C', 'UTC'),
    await printed('tr_TR.UTF-8', 'Asia/Kathmandu'),
    await printed('sv_SE.UTF-8', 'America/St_Johns'),
  ];
  // They are what they were started as.
  expect([turkish.locale, swedish.locale]).toEqual(['tr-TR', 'sv-SE']);
  expect(new Set([plain, turkish, swedish].map(({ timeZone }) => timeZone)).size).toBe(3);
  expect(plain.made.lines).toBeGreaterThan(20);
  expect(plain.made.differences.length).toBe(9);
  expect(turkish.made).toEqual(plain.made);
  expect(swedish.made).toEqual(plain.made);
});
