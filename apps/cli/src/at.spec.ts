import { describe, expect, it } from 'vitest';
import { CATALOGUE } from './catalogue.js';
import type { CommandSpec } from './command.js';
import { web1 } from './testing/fixtures.js';
import { startFakeApi } from './testing/fake-api.js';
import { runCli } from './testing/run-cli.js';

const all: readonly (readonly [string, CommandSpec])[] = (
  await Promise.all(
    CATALOGUE.map(async (entry) => {
      const loaded = await entry.load();
      if (!('commands' in loaded)) return [[loaded.name, loaded] as const];
      return loaded.commands.map((spec) => [`${loaded.name} ${spec.name}`, spec] as const);
    }),
  )
).flat();

const shows = all.filter(([name]) => /^ps$| (list|show)$/.test(name));
const withPast = all.filter(([, { takes }]) => takes?.includes('at') === true);
const onlyNow = all.filter(([, spec]) => spec.onlyNow !== undefined);
const argumentsOf = ({ args = [] }: CommandSpec) => args.map(() => '1');
const SEQUENCE = '00000000000000000042';

describe('--at', () => {
  it.each(shows)('is known to %s, or it says why there is no past', (_name, spec) => {
    expect(spec.takes?.includes('at') === true).toBe(spec.onlyNow === undefined);
  });

  it('is known to every list and show of what is in the log', () => {
    const without = shows.filter(([, { onlyNow: why }]) => why !== undefined);
    expect(without.map(([name]) => name).toSorted()).toEqual([
      'audit list',
      'backup list',
      'certs list',
      'certs show',
      'context list',
      'keys list',
    ]);
  });

  it.each(withPast)('of %s goes to the api with its first request', async (name, spec) => {
    const api = await startFakeApi({});
    try {
      const app = spec.takes?.includes('app') === true ? ['-a', 'shop'] : [];
      const argv = [...name.split(' '), ...argumentsOf(spec), ...app, '--at', SEQUENCE];
      await runCli(argv, { url: api.url, isImpatient: true });
      expect(api.received[0]?.url).toContain(`at=${SEQUENCE}`);
    } finally {
      await api.close();
    }
  });

  it.each(onlyNow)('of %s is wrong usage, and says why', async (name, spec) => {
    const run = await runCli([...name.split(' '), ...argumentsOf(spec), '--at', '10m']);
    expect(run).toMatchObject({ code: 2, stdout: '' });
    expect(run.stderr).toContain('this command shows no past');
    expect(run.stderr).toContain(spec.onlyNow);
  });

  it('of ps says that CPU and memory are not in the log, except in JSON', async () => {
    const then = { ...web1, cpu: null, memoryBytes: null };
    const api = await startFakeApi({ 'GET /v1/apps/shop/instances': [then] });
    try {
      const said = 'CPU and memory of that moment are not in the log.';
      const ps = ['ps', '-a', 'shop'];
      const run = await runCli([...ps, '--at', '10m'], { url: api.url });
      expect(run.stdout).toContain(said);
      expect((await runCli(ps, { url: api.url })).stdout).not.toContain(said);
      const json = await runCli([...ps, '--at', '10m', '--json'], { url: api.url });
      expect(JSON.parse(json.stdout)).toEqual([then]);
    } finally {
      await api.close();
    }
  });
});
