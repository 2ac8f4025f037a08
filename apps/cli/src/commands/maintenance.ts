import { readFile } from 'node:fs/promises';
import { isIP } from 'node:net';
import { resolve } from 'node:path';
import { defineCommand, type GroupSpec, type Invocation } from '../command.js';
import { CliError, EXIT, usageError } from '../exit-code.js';
import { printableLine } from '../render/printable.js';
import { relativeTime } from '../render/time.js';

interface OnOptions {
  readonly page?: string;
  readonly allow?: readonly string[];
}

const parseAllow = (text: string): readonly string[] => {
  const ranges = text.split(',').map((range) => range.trim());
  const wrong = ranges.find((range) => !isRange(range));
  if (wrong === undefined) return ranges;
  throw usageError(
    `--allow: "${printableLine(wrong)}" is no address`,
    'Expected addresses or ranges, such as 203.0.113.7,10.0.0.0/8',
  );
};

const isRange = (text: string): boolean => {
  const [address = '', bits, ...more] = text.split('/');
  const family = isIP(address);
  if (family === 0 || more.length > 0) return false;
  return (
    bits === undefined || (/^\d{1,3}$/.test(bits) && Number(bits) <= (family === 4 ? 32 : 128))
  );
};

const on = defineCommand<OnOptions>({
  name: 'on',
  summary: 'show a page instead of an app (503, with Retry-After)',
  details:
    'Routers answer at once; no request reaches the app but from --allow. Instances run on, health checks and ' +
    'deploys go on. Browsers get the page (HTML, at most 8192 bytes, everything in it: images of this host do not ' +
    'answer either), programs get text or JSON. Given again, it replaces the page, the reason and who may pass.',
  examples: [
    ['maintenance on -a shop -m "the database moves"', 'the page of the platform'],
    ['maintenance on -a shop --page closed.html', 'a page of your own'],
    ['maintenance on -a shop --allow 203.0.113.7,10.0.0.0/8', 'you still reach it'],
  ],
  options: [
    { flags: '--page <file>', help: 'HTML that browsers get, at most 8192 bytes' },
    {
      flags: '--allow <addresses>',
      help: 'who reaches the app all the same, such as 203.0.113.7,10.0.0.0/8',
      parse: parseAllow,
    },
  ],
  takes: ['app', 'reason'],
  run: async (invocation) => {
    const { app, client, change, out, options } = invocation;
    const page = await pageOf(invocation);
    const name = await app();
    const body = { page, allow: [...(options.allow ?? [])] };
    const answer = await (await client()).maintenance.begin(name, body, change);
    out.json(answer);
    const pass = answer.allow.length === 0 ? '' : `, but for ${answer.allow.join(', ')}`;
    out.line(`${name} is in maintenance${pass}.`);
    out.line(`End it: shiplog maintenance off -a ${name}`);
  },
});

const pageOf = async ({ options, io }: Invocation<OnOptions>): Promise<string | null> => {
  const { page } = options;
  if (page === undefined) return null;
  return readFile(resolve(io.cwd, page), 'utf8').catch((cause: NodeJS.ErrnoException) => {
    const code = cause.code === 'ENOENT' ? EXIT.usage : EXIT.failed;
    throw new CliError(code, 'file-unreadable', `cannot read ${page}: ${cause.message}`, { cause });
  });
};

const off = defineCommand({
  name: 'off',
  summary: 'let clients reach the app again',
  examples: [['maintenance off -a shop -m "it is moved"', 'at once']],
  takes: ['app', 'reason'],
  run: async ({ app, client, change, out }) => {
    const name = await app();
    out.json(await (await client()).maintenance.end(name, change));
    out.line(`${name} is not in maintenance.`);
  },
});

const status = defineCommand({
  name: 'status',
  summary: 'show whether an app is in maintenance, since when, and why',
  examples: [['maintenance status -a shop', 'who began it, who may pass']],
  takes: ['app', 'at'],
  run: async ({ app, client, read, out, io }) => {
    const name = await app();
    const found = await (await client()).maintenance.show(name, read);
    out.json(found);
    if (!found.on || found.since === null) return out.line(`${name} is not in maintenance.`);
    const since = relativeTime(found.since, io.now());
    const why = found.why === null ? '' : `: ${printableLine(found.why)}`;
    out.line(`${name} is in maintenance since ${since}, by ${printableLine(found.by ?? '')}${why}`);
    out.line(`page: ${found.page === null ? 'of the platform' : 'its own'}`);
    out.line(`may pass: ${found.allow.join(', ') || 'nobody'}`);
  },
});

export const maintenance: GroupSpec = {
  name: 'maintenance',
  summary: 'show a page instead of an app',
  commands: [on, off, status],
};
