import { readdir, rm } from 'node:fs/promises';
import { createRequire } from 'node:module';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { connectEngine, ownedBy } from '@shiplog/engine';
import { makeOnlyImage } from '../support/apps/no-shell/image.js';
import { ROOT, runProgram, TestPlatform } from '../support/platform.js';
import { deployed } from '../support/repository.js';
import { waitFor } from '../support/wait.js';

interface ReleaseRow {
  readonly version: number;
  readonly state: string;
}
/** Made on this machine, known to no registry. */
const LOCAL_IMAGE = 'shiplog-test/lost';

interface Finding {
  readonly name: string;
  readonly state: string;
  readonly summary: string;
}
interface EventRow {
  readonly sequence: string;
}
interface Sqlite {
  prepare(sql: string): { run(...values: string[]): { changes: number } };
  close(): void;
}
const Database = createRequire(import.meta.url)('libsql') as new (file: string) => Sqlite;

describe('everything but the log, keys and sources is deleted', () => {
  let platform: TestPlatform;
  beforeAll(async () => {
    platform = await TestPlatform.start({ name: 'rebuild' });
  });
  afterAll(async () => platform.destroy());

  const dumpAt = async (sequence: string): Promise<string> => {
    const url = `${platform.apiUrl}/v1/read-models/dump?at=${sequence}`;
    const answer = await fetch(url, {
      headers: { authorization: `Bearer ${await platform.token()}` },
    });
    expect(answer.status).toBe(200);
    return answer.text();
  };

  const lastSequence = async (): Promise<string> => {
    const listed = await platform.cli(['events', '--json']);
    const lines = listed.stdout.trim().split('\n');
    return (JSON.parse(lines.at(-1) ?? '{}') as EventRow).sequence;
  };

  /** The check finds the server of the log by itself, and says the same wherever it runs. */
  const expectNoDifference = async (): Promise<void> => {
    const { SHIPLOG_NATS_PORT: _port, ...env } = platform.env;
    for (const [TZ, LANG] of [
      ['UTC', 'C'],
      ['Pacific/Kiritimati', 'tr_TR.UTF-8'],
    ]) {
      const argv = ['replay', 'check', '--json'];
      const check = await runProgram(join(ROOT, 'shiplog'), argv, {
        env: { ...env, TZ, LANG, LC_ALL: LANG },
      });
      expect(check).toMatchObject({ code: 0, stderr: '' });
      expect(JSON.parse(check.stdout)).toMatchObject({ differences: [], failures: [] });
    }
  };

  /** What nothing but a fault of a disk or of code can do. */
  const expectDifferenceFound = async (): Promise<void> => {
    const database = new Database(join(platform.home, 'read-models.sqlite'));
    const change = `UPDATE shiplog_apps_a SET document = replace(document, ?, ?)`;
    expect(database.prepare(change).run('"web":2', '"web":7').changes).toBeGreaterThan(0);
    database.close();
    const check = await platform.cli(['replay', 'check']);
    expect(check.code).toBe(1);
    expect(check.stdout).toContain('formation.web: 7 → 2\n1 difference in ');
  };

  const expectTakenBack = async (app: string): Promise<void> => {
    const set = ['config', 'set', '-a', app, 'COLOUR=red'];
    const { sequence } = await platform.json<EventRow>(set);
    expect(JSON.parse((await platform.get(app)).body)).toMatchObject({ config: 'red' });
    const plan = await platform.cli(['undo', sequence, '--plan']);
    expect(plan).toMatchObject({ code: 0, stderr: '' });
    expect(plan.stdout).toContain(`shiplog config set COLOUR=… -a ${app}`);
    expect(plan.stdout).not.toContain('blue');
    const undone = await platform.json<EventRow>(['undo', sequence, '--yes', '-m', 'too red']);
    expect(undone).toMatchObject({ app, undone: true, settled: true });
    expect(JSON.parse((await platform.get(app)).body)).toMatchObject({ config: 'blue' });
    const events = await platform.cli(['events', '-a', app, '--type', 'ConfigChanged']);
    expect(events.stdout).toContain(`(undo of ${sequence}: too red)`);
    expect((await platform.cli(['undo', sequence])).stdout).toContain('Nothing to take back');
  };

  const expectReplayed = async (app: string, sequence: string): Promise<void> => {
    const argv = ['replay', '--at', '1', '--diff', sequence, '-a', app];
    const { diff } = await platform.json<{ diff: { changes: object[] } }>(argv);
    for (const [kind, name, by] of [
      ['app', app, 'admin'],
      ['config', 'COLOUR', 'admin'],
      ['domain', 'www.example.com', 'admin'],
      ['formation', 'web', 'admin'],
      ['live', 'live release', 'deployer'],
    ]) {
      expect(diff.changes).toContainEqual(expect.objectContaining({ kind, app, name, by }));
    }
    expect(JSON.stringify(diff)).not.toContain('enc1');
  };

  const deleteWorld = async (): Promise<void> => {
    const engine = connectEngine();
    const filters = ownedBy(platform.name);
    for (const { Id } of await engine.listContainers({ all: true, filters })) {
      await engine.getContainer(Id).remove({ force: true, v: true });
    }
    for (const { Id } of await engine.listImages({ filters })) {
      await engine.getImage(Id).remove({ force: true });
    }
    // All names of it, also the one that the platform gave it.
    const { Id } = await engine.getImage(`${LOCAL_IMAGE}:one`).inspect();
    await engine.getImage(Id).remove({ force: true });
    await platform.killDaemons(/haproxy/);
    const kept = new Set([
      'nats',
      'nats-store',
      'keys',
      'master-key',
      'sources',
      'repositories',
      'credentials.json',
    ]);
    for (const name of await readdir(platform.home)) {
      if (!kept.has(name)) await rm(join(platform.home, name), { recursive: true });
    }
  };

  it('and the same apps serve again, at the same releases, with the same config and routes', async () => {
    const repository = await deployed(platform, 'ledger', 'ledger');
    await platform.json(['config', 'set', '-a', 'ledger', 'COLOUR=blue']);
    await platform.json(['scale', '-a', 'ledger', 'web=2']);
    await platform.json(['domains', 'add', '-a', 'ledger', 'www.example.com']);
    await expectTakenBack('ledger');
    const docker = await deployed(platform, 'docker-app', 'dockerfile-app');
    await makeOnlyImage(connectEngine(), LOCAL_IMAGE, 'one');
    await platform.json(['apps', 'create', 'lost']);
    await platform.json(['deploy', '-a', 'lost', '--image', `${LOCAL_IMAGE}:one`]);
    await platform.stop();
    await platform.start();
    const sequence = await lastSequence();
    const before = await dumpAt(sequence);
    const releases = await platform.json<ReleaseRow[]>(['releases', 'list', '-a', 'ledger']);
    await expectNoDifference();
    await expectReplayed('ledger', sequence);
    await expectDifferenceFound();
    await platform.stop();

    await deleteWorld();
    await platform.start();

    await waitFor(
      'both apps to serve again',
      async () => {
        const answers = await Promise.all(
          ['ledger', 'docker-app'].map((app) => platform.get(app).catch(() => ({ status: 0 }))),
        );
        return answers.every(({ status }) => status === 200);
      },
      { timeoutMs: 120_000, describe: () => platform.output },
    );
    expect(JSON.parse((await platform.get('ledger')).body)).toMatchObject({ config: 'blue' });
    expect(await platform.json(['releases', 'list', '-a', 'ledger'])).toEqual(releases);
    const domains = await platform.json<{ host: string }[]>(['domains', 'list', '-a', 'ledger']);
    expect(domains.map(({ host }) => host)).toContain('www.example.com');
    await waitFor('both instances to run again', async () => {
      const rows = await platform.json<{ state: string }[]>(['ps', '-a', 'ledger']);
      return rows.filter(({ state }) => state === 'ready').length === 2;
    });
    expect(await dumpAt(sequence)).toBe(before);

    // What cannot be had again is named with the reason, and held up nobody.
    let images: Finding | undefined;
    await waitFor('the doctor to name the lost image', async () => {
      const { stdout } = await platform.cli(['--json', 'doctor']);
      const { findings } = JSON.parse(stdout) as { findings: Finding[] };
      images = findings.find(({ name }) => name === 'images');
      return images?.state === 'failed';
    });
    expect(images?.summary).toContain(`lost (The image ${LOCAL_IMAGE}:one is gone`);
    const lost = await platform.json<{ state: string; problem: string }>(['apps', 'show', 'lost']);
    expect(lost).toMatchObject({ state: 'failing' });
    expect(lost.problem).toContain(`${LOCAL_IMAGE}:one could not be pulled`);
    await Promise.all([repository.remove(), docker.remove()]);
  });
});
