import { mkdtemp, readFile, readdir, rm, stat, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { connectEngine } from '@shiplog/engine';
import { askApi } from '../support/api.js';
import { makeNoShellImage } from '../support/apps/no-shell/image.js';
import { removeAppsFromEngine } from '../support/containers.js';
import { ROOT, TestPlatform, runProgram } from '../support/platform.js';
import { deployed } from '../support/repository.js';
import { waitFor } from '../support/wait.js';

const IMAGE = ['shiplog-test/backup', 'one'] as const;

interface Begun {
  readonly backupId: string;
  readonly recoveryKey: { readonly file: string };
}
interface Listed {
  readonly backups: readonly {
    readonly id: string;
    readonly bytes: number;
    readonly addedBytes: number;
    readonly verification: string;
  }[];
}
interface Finding {
  readonly name: string;
  readonly state: string;
  readonly summary: string;
}

/** What an app says of itself, but for which instance it is. */
const told = (body: string): unknown => ({ ...(JSON.parse(body) as object), instance: null });

describe('a platform that is lost', () => {
  let platform: TestPlatform;
  let place: string;
  const made: Begun[] = [];

  beforeAll(async () => {
    await makeNoShellImage(connectEngine(), ...IMAGE);
    place = await mkdtemp(join(tmpdir(), 'shiplog-backup-e2e-'));
    // Its log is lost with the machine.
    platform = await TestPlatform.start({ name: 'backup', log: 'jetstream' });
    await deployed(platform, 'ledger', 'ledger');
    await platform.json(['config', 'set', '-a', 'ledger', 'COLOUR=blue']);
    await platform.json([...['volumes', 'add', 'rows', '/tmp', '--size', '100M', '-a', 'ledger']]);
    const write = "require('fs').writeFileSync('/tmp/row', 'a row', { mode: 0o640 })";
    await inLedger(`${write}; console.log(${ROW})`);
    await hook(write.replace('/tmp/row', '/tmp/dump'));
    await platform.json(['apps', 'create', 'gone']);
    await platform.json(['config', 'set', '-a', 'gone', 'SECRET=forgotten']);
  });
  afterAll(async () => {
    await platform.destroy();
    await rm(place, { recursive: true, force: true });
  });

  /** What runs there before its volume is backed up. */
  const hook = (script: string) =>
    platform.json([...['volumes', 'backup', 'rows', '-a', 'ledger'], '--', 'node', '-e', script]);
  /** What runs in the one instance of ledger; gives what it wrote. */
  const inLedger = async (script: string): Promise<string> => {
    const instances = await platform.json<{ id: string; state: string }[]>(['ps', '-a', 'ledger']);
    const { id = JSON.stringify(instances) } =
      instances.find(({ state }) => state === 'ready') ?? {};
    const ran = await platform.cli(['exec', '-a', 'ledger', id, '--', 'node', '-e', script]);
    expect(`${ran.code} ${ran.stderr}`).toMatch(/^0 /);
    return ran.stdout.trim();
  };
  const ROW = "require('fs').readFileSync('/tmp/row', 'utf8')";

  const create = async (): Promise<Begun> =>
    platform.json<Begun>(['backup', 'create', '--to', place]);
  const doctor = async (): Promise<Finding | undefined> =>
    (await platform.json<{ findings: Finding[] }>(['doctor'])).findings.find(
      ({ name }) => name === 'backup',
    );

  it('is saved while it runs; the second time only what is new', async () => {
    expect((await doctor())?.summary).toContain('no backup yet');
    made.push(await create());
    await platform.json(['apps', 'destroy', 'gone', '--confirm', 'gone']);
    await askApi(platform, 'POST', '/v1/apps', { body: { name: 'prebuilt' } });
    const body = { source: { kind: 'image', ref: IMAGE.join(':') } };
    await askApi(platform, 'POST', '/v1/apps/prebuilt/builds', { body });
    await waitFor('it to serve', async () => (await platform.get('prebuilt')).status === 200);
    made.push(await create());

    const { backups } = await platform.json<Listed>(['backup', 'list']);
    expect(backups.map(({ id }) => id)).toEqual(made.map(({ backupId }) => backupId).toReversed());
    const [second, first] = backups;
    expect(first?.addedBytes).toBe(first?.bytes);
    expect(second?.addedBytes).toBeLessThan((first?.bytes ?? 0) / 2);

    await platform.json(['backup', 'verify']);
    const found = await doctor();
    expect(found?.state).toBe('ok');
    expect(found?.summary).toMatch(/; verified (?!never)/);
  });

  it('a flipped byte is found and named; a failed backup is no success', async () => {
    const objects = (await readdir(join(place, 'objects'), { recursive: true })).filter((name) =>
      /[0-9a-f]{64}$/.test(name),
    );
    // The largest: a layer. Of a segment of the log the commit is named, and not the object.
    const sized = await Promise.all(
      objects.map(async (name) => ({ name, ...(await stat(join(place, 'objects', name))) })),
    );
    const [{ name } = { name: '' }] = sized.toSorted((a, b) => b.size - a.size);
    const victim = join(place, 'objects', name);
    const whole = await readFile(victim);
    const damaged = Buffer.from(whole);
    damaged[damaged.length >> 1] = (damaged[damaged.length >> 1] ?? 0) ^ 1;
    await writeFile(victim, damaged);
    const verified = await platform.cli(['backup', 'verify']);
    expect(verified.code).toBe(1);
    expect(verified.stderr).toContain(name.split('/').at(-1));
    await writeFile(victim, whole);

    const nowhere = await platform.cli(['backup', 'create', '--to', '/dev/null/backups']);
    expect(nowhere.code).not.toBe(0);
    const inside = await platform.cli(['backup', 'create', '--to', join(platform.home, 'b')]);
    expect(inside.code).toBe(4);
    expect(inside.stderr).toContain('inside the data directory');

    await hook("console.log('disk full'); process.exit(3)");
    const elsewhere = await mkdtemp(join(tmpdir(), 'shiplog-backup-e2e-'));
    const unprepared = await platform.cli(['backup', 'create', '--to', elsewhere]);
    expect(unprepared.code).toBe(1);
    expect(unprepared.stderr).toContain(
      'ledger/rows: its backup hook (node) ended with exit code 3',
    );
    expect(unprepared.stderr).toContain('disk full');
    await rm(elsewhere, { recursive: true });
  });

  it('comes back on an empty machine, with the same apps, and without what was destroyed', async () => {
    const keyFile = join(place, '..', `${platform.name}.key`);
    await writeFile(keyFile, await readFile(made[0]?.recoveryKey.file ?? ''), { mode: 0o600 });
    const before = await platform.get('ledger');
    await platform.stop();
    await platform.killDaemons(/nats-server|haproxy/);
    await removeAppsFromEngine(platform.name);
    const restore = (...args: string[]) =>
      runProgram(join(ROOT, 'shiplog'), ['backup', 'restore', '--from', place, ...args], {
        env: platform.env,
      });
    const refused = await restore('--recovery-key', keyFile);
    expect(refused.code).toBe(4);
    expect(refused.stderr).toContain('a restore makes a new data directory');
    for (const name of await readdir(platform.home)) {
      if (name !== 'test-run.json') {
        await rm(join(platform.home, name), { recursive: true });
      }
    }
    expect((await restore()).code).toBe(2);
    const restored = await restore('--recovery-key', keyFile);
    expect(`${restored.code} ${restored.stderr}`).toMatch(/^0 /);
    expect(restored.stdout).toContain(made[1]?.backupId);

    await platform.start();
    await waitFor('the apps to serve', async () => {
      const [ledger, prebuilt] = [await platform.get('ledger'), await platform.get('prebuilt')];
      return ledger.status === 200 && prebuilt.status === 200;
    });
    expect(told((await platform.get('ledger')).body)).toEqual(told(before.body));
    // What is in its volume was there before it was started.
    expect(await inLedger(`console.log(${ROW})`)).toBe('a row');
    expect(await inLedger(`console.log(${ROW.replace('/tmp/row', '/tmp/dump')})`)).toBe('a row');
    const config = await platform.cli(['config', 'get', '-a', 'ledger', 'COLOUR']);
    expect(config.stdout.trim()).toBe('blue');
    const keys = await readdir(join(platform.home, 'keys'));
    const apps = await platform.json<{ name: string; id: string }[]>(['apps', 'list']);
    expect(apps.map(({ name }) => name).toSorted()).toEqual(['ledger', 'prebuilt']);
    expect(keys.filter((name) => name.endsWith('.key')).length).toBeLessThanOrEqual(apps.length);
    const events = async () => (await platform.cli(['events', '--json'])).stdout;
    await expect.poll(events, { timeout: 10_000 }).toContain('BackupRestored');
    await rm(keyFile);
    // It goes on as before: the next backup builds on those of the platform that was lost.
    await create();
  });
});
