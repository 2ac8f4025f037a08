import { randomBytes } from 'node:crypto';
import { chmod, cp, readFile, readdir, writeFile } from 'node:fs/promises';
import { existsSync } from 'node:fs';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { connectEngine } from '@shiplog/engine';
import { START } from '@shiplog/events';
import { openLog, pathsOf, readConfig } from '@shiplog/runtime';
import { KeyMissingError, Keyring, MasterKey } from '@shiplog/secrets';
import { askApi, callApi } from '../support/api.js';
import { makeNoShellImage } from '../support/apps/no-shell/image.js';
import { Observer } from '../support/observer.js';
import { SeparatePlatform } from '../support/processes.js';
import { waitFor } from '../support/wait.js';

const NAME = ['shiplog-test/secrets', 'one'] as const;

/** Found nowhere but where it was put. */
const canary = (): string => `canary-${randomBytes(12).toString('hex')}`;

const basic = (user: string, password: string) => ({
  authorization: `Basic ${Buffer.from(`${user}:${password}`).toString('base64')}`,
});

/** The text as it is, and as something on the way may have written it. */
const formsOf = (text: string): readonly Buffer[] => {
  const bytes = Buffer.from(text);
  // Whole groups of three bytes, wherever in a longer text they begin.
  const base64 = [0, 1, 2].map((skip) =>
    bytes
      .subarray(skip, skip + 27)
      .toString('base64')
      .slice(0, 36),
  );
  return [text, bytes.toString('hex'), ...base64].map((form) => Buffer.from(form));
};

describe('what is secret', () => {
  let processes: SeparatePlatform;
  let observer: Observer;
  let home: string;
  let doomed: string;
  const secret = { doomed: canary(), neighbour: canary() };
  /** Of somebody who sends requests to an app. */
  const password = canary();
  let apiToken: string;

  beforeAll(async () => {
    await makeNoShellImage(connectEngine(), ...NAME);
    processes = await SeparatePlatform.start('secrets');
    const { platform } = processes;
    home = platform.home;
    observer = await Observer.open(platform);
    for (const app of ['doomed', 'neighbour'] as const) {
      const { id } = await askApi(platform, 'POST', '/v1/apps', { body: { name: app } });
      if (app === 'doomed') doomed = String(id);
      const input = `SECRET=${secret[app]}\n`;
      await platform.json(['config', 'import', '-', '-a', app], { input });
      const deploy = ['deploy', '-a', app, '--image', NAME.join(':'), '-m', `opening of ${app}`];
      const deployed = await platform.cli(deploy);
      expect(deployed.code, deployed.stdout + deployed.stderr).toBe(0);
      await waitFor(`${app} to serve`, async () => (await platform.get(app)).status === 200);
    }
    const made = await platform.json<{ token: string }>(['tokens', 'create', 'ci']);
    apiToken = made.token;
    expect(apiToken.length).toBeGreaterThan(20);
  });
  afterAll(async () => {
    await observer.close();
    await processes.destroy();
  });

  /** Every commit, byte for byte. */
  const logBytes = async (): Promise<Buffer> => {
    const opened = await openLog(readConfig(processes.platform.env), 'monitor-agent');
    const stored = await opened.log.readStored(START, 10_000);
    await opened.close();
    return Buffer.concat(stored.map(({ bytes }) => bytes));
  };

  /** Where one of the texts lies: in the log, in a file of the platform, in what a process said or in its arguments. */
  const hits = async (texts: readonly string[], except: readonly string[] = []) => {
    const forms = texts.flatMap(formsOf);
    const found: string[] = [];
    let places = 0;
    const look = (place: string, bytes: Buffer): void => {
      places += 1;
      if (forms.some((form) => bytes.includes(form))) found.push(place);
    };
    look('log', await logBytes());
    for (const [name, said] of processes.output) look(`output of ${name}`, Buffer.from(said));
    const files = await readdir(home, { recursive: true, withFileTypes: true });
    for (const file of files) {
      const path = join(file.parentPath, file.name);
      if (!file.isFile() || except.includes(path)) continue;
      // A file may go while it is looked for.
      const bytes = await readFile(path).catch(() => undefined);
      if (bytes !== undefined) look(path, bytes);
    }
    for (const pid of (await readdir('/proc')).filter((name) => /^\d+$/.test(name))) {
      const bytes = await readFile(`/proc/${pid}/cmdline`).catch(() => undefined);
      if (bytes !== undefined) look(`/proc/${pid}/cmdline`, bytes);
    }
    return { found, places };
  };

  it('lets nobody without a password reach an app that asks for one, once the router knows', async () => {
    const { platform } = processes;
    const status = async (user: string, of = password) =>
      (await platform.get('neighbour', '/', basic(user, of))).status;
    await platform.json(['basic-auth', 'set', 'ann', '-a', 'neighbour'], {
      input: `${password}\n`,
    });
    await waitFor(
      'the app to be closed',
      async () => (await platform.get('neighbour')).status === 401,
    );
    expect([await status('ann'), await status('ann', 'another one'), await status('eve')]).toEqual([
      200, 401, 401,
    ]);
  });

  it('is found in no log, file, database, proxy state, output or argument', async () => {
    const { platform } = processes;
    // Into snapshots and read models, too: the api saves them when it ends.
    await processes.restart('api');
    const admin = await platform.token();
    const all = [...Object.values(secret), password, apiToken, admin];
    // Where `npm start` leaves the administrator's own token for the CLI.
    const { found, places } = await hits(all, [join(home, 'credentials.json')]);
    expect(found).toEqual([]);
    expect(places).toBeGreaterThan(20);

    // The look itself: it finds what does lie there, in each form.
    const plain = secret.doomed;
    const probe = join(home, 'probe');
    for (const text of [plain, Buffer.from(`X=${plain}`).toString('base64')]) {
      await writeFile(probe, text);
      expect((await hits([secret.doomed])).found).toEqual([probe]);
    }
    await writeFile(probe, '');
    expect((await logBytes()).includes('enc1.')).toBe(true);
  });

  it('is told only to who may see it', async () => {
    const { platform } = processes;
    const path = '/v1/apps/doomed/config/SECRET';
    expect((await askApi(platform, 'GET', path))['value']).toBe(secret.doomed);
    expect((await platform.cli(['config', 'get', 'SECRET', '-a', 'doomed'])).stdout.trim()).toBe(
      secret.doomed,
    );
    const refused = await callApi(platform, 'GET', path, { token: 'nobody' });
    expect(refused.status).toBe(401);
    for (const where of ['/v1/apps/doomed', '/v1/apps/doomed/releases', '/v1/read-models/dump']) {
      const { status, body } = await callApi(platform, 'GET', where);
      expect(status).toBe(200);
      expect(JSON.stringify(body)).not.toContain(secret.doomed);
    }
  });

  it('is not why something runs: that is told from the person to the route, without values', async () => {
    const { platform } = processes;
    interface Step {
      readonly kind: string;
      readonly id: string;
      readonly text: string;
      readonly reason: string | null;
      readonly actor: string | null;
      readonly asked: boolean;
    }
    const why = async (...of: string[]): Promise<Step[]> =>
      (await platform.json<{ steps: Step[] }>(['why', ...of])).steps;
    const kinds = (steps: readonly Step[]): string[] => steps.map(({ kind }) => kind);
    const ofApp = ['-a', 'neighbour'];
    const [web] = await platform.json<{ id: string }[]>(['ps', ...ofApp]);
    const instance = web?.id ?? '';
    const { user: username } = await platform.json<{ user: string }>(['whoami']);
    const whole = 'actor command build release rollout instance container route'.split(' ');
    await waitFor('the route to be in the log', async () =>
      kinds(await why(instance)).includes('route'),
    );

    const steps = await why(instance);
    expect(kinds(steps)).toEqual(whole);
    expect(steps[0]).toMatchObject({ text: username });
    expect(steps[1]).toMatchObject({ actor: username, reason: 'opening of neighbour' });
    expect(steps[5]).toMatchObject({ id: instance, asked: true });
    const [container] = await platform.containers('neighbour');
    expect(container?.Id.startsWith(steps[6]?.id ?? '-')).toBe(true);
    expect(steps[7]?.text).toBe(`neighbour.${readConfig(platform.env).domain}`);
    const without = (shown: readonly Step[]) => shown.map(({ asked: _, ...step }) => step);
    expect(without(await why('v1', ...ofApp))).toEqual(without(steps));
    expect(without(await why(steps[7]?.text ?? ''))).toEqual(without(steps));
    const key = await why('SECRET', ...ofApp);
    expect(kinds(key)).toEqual(whole.filter((kind) => kind !== 'build'));
    expect(key[1]).toMatchObject({ text: 'config set SECRET', actor: username, asked: true });

    const printed = await platform.cli(['why', instance]);
    expect(printed.stdout.trimEnd().split('\n')).toHaveLength(whole.length);
    expect(printed.stdout).toContain('(opening of neighbour)');
    expect(printed.stdout + JSON.stringify(key)).not.toContain(secret.neighbour);
    const nothing = await platform.cli(['why', 'v9', ...ofApp]);
    expect([nothing.code, nothing.stdout]).toEqual([3, '']);
    expect(nothing.stderr).toContain('releases list');
  });

  it('is gone with its app: a crash before the shredding is made good at the next start', async () => {
    const { platform } = processes;
    const config = readConfig(platform.env);
    const { keys } = pathsOf(home);
    const copy = join(home, 'copy-of-keys');
    await cp(keys, copy, { recursive: true });
    const encryptedOf = async (app: string): Promise<string> => {
      const text = (await logBytes()).toString('utf8');
      const id = String((await askApi(platform, 'GET', `/v1/apps/${app}`))['id']);
      const pattern = new RegExp(`"appId":"${id}","set":\\{"SECRET":"(enc1\\.[^"]+)"`);
      return pattern.exec(text)?.[1] ?? '';
    };
    const encrypted = {
      doomed: await encryptedOf('doomed'),
      neighbour: await encryptedOf('neighbour'),
    };
    const neighbour = String((await askApi(platform, 'GET', '/v1/apps/neighbour'))['id']);
    const read = (folder: string, id: string, text: string): Promise<string> =>
      new Keyring(folder, new MasterKey(config.masterKeyFile)).decrypt(id, text);
    expect(await read(copy, doomed, encrypted.doomed)).toBe(secret.doomed);

    await processes.restart('api', 'api/before-forget-app');
    const destroy = callApi(platform, 'DELETE', '/v1/apps/doomed?confirm=doomed');
    await Promise.all([
      destroy.catch(() => undefined),
      processes.died('api', 'api/before-forget-app'),
    ]);
    expect((await logBytes()).includes('"AppDestroyed"')).toBe(true);
    expect(existsSync(join(keys, `${doomed}.key`))).toBe(true);

    processes.run('api');
    await processes.ready();
    await waitFor('the key to be shredded', () => !existsSync(join(keys, `${doomed}.key`)));
    for (const folder of [keys, copy]) {
      await expect(read(folder, doomed, encrypted.doomed)).rejects.toThrow(KeyMissingError);
      expect(await read(folder, neighbour, encrypted.neighbour)).toBe(secret.neighbour);
    }
    await processes.restart('api');
    expect((await hits([secret.doomed])).found).toEqual([]);
    expect((await platform.get('neighbour', '/', basic('ann', password))).status).toBe(200);
  });

  it('that lies open for others is found by doctor, which has looked at everything', async () => {
    const { platform } = processes;
    const find = async (name: string) => {
      const { stdout, code } = await platform.cli(['doctor', '--json']);
      const { findings } = JSON.parse(stdout) as {
        findings: { name: string; state: string; summary: string; remedy: string | null }[];
      };
      return { code, findings, found: findings.find((one) => one.name === name) };
    };
    const gc = async () => (await find('gc')).found?.summary ?? '';
    await waitFor('gc to have read everything', async () => (await gc()).includes('to the end'));
    await waitFor('the disk of the engine', async () =>
      ((await find('engine disk')).found?.summary ?? '').includes('free'),
    );
    const { findings, code } = await find('durability');
    const states = Object.fromEntries(findings.map(({ name, state }) => [name, state]));
    const isEsdb = platform.env['SHIPLOG_EVENT_LOG'] !== undefined;
    const holder = isEsdb
      ? { durability: 'warning', 'log access': 'warning' }
      : { durability: 'ok', 'log stream': 'ok', gaps: 'ok' };
    expect(states).toMatchObject({
      ...{ log: 'ok', ...holder, 'read models': 'ok' },
      ...{ backup: 'warning', 'private files': 'ok', clock: 'ok' },
      ...{ builder: 'ok', deployer: 'ok', 'router-sync': 'ok', gc: 'ok', 'monitor-agent': 'ok' },
    });
    expect(findings.find(({ name }) => name === 'durability')?.summary).toMatch(
      isEsdb
        ? /EventStoreDB syncs every write by default/
        : /proved of nats-server \d+\.\d+\.\d+ \(.+\), \d+ \w+ ago/,
    );
    // Where `npm start` is not in charge, there is no ready.json, which doctor holds against it.
    const others = findings.filter(
      ({ name, state }) => state === 'failed' && name !== 'control plane',
    );
    expect(others).toEqual([]);
    expect(code).toBe(findings.some(({ state }) => state === 'failed') ? 1 : 0);

    const { masterKeyFile } = readConfig(platform.env);
    await chmod(masterKeyFile, 0o644);
    const open = await find('private files');
    expect(open.code).toBe(1);
    expect(open.found).toMatchObject({ state: 'failed' });
    expect(open.found?.remedy).toContain(`chmod 600 ${masterKeyFile}`);
    await chmod(masterKeyFile, 0o600);
    expect((await find('private files')).found).toMatchObject({ state: 'ok' });
  });

  it('stays readable when the master key is replaced', async () => {
    const { platform } = processes;
    const before = await platform.json<{ masterKey: { id: string } }>(['keys', 'list']);
    const rotated = await platform.json<{ masterKeyId: string; done: boolean; keys: number }>([
      'keys',
      'rotate',
    ]);
    const after = await platform.json<{
      masterKey: { id: string };
      keys: { kind: string; masterKeyId: string | null }[];
    }>(['keys', 'list']);
    // The neighbour's, and those of the people who called.
    expect(after.keys.filter(({ kind }) => kind === 'app')).toHaveLength(1);
    expect(rotated).toMatchObject({ done: true, keys: after.keys.length });
    expect(after.keys.every(({ masterKeyId }) => masterKeyId === rotated.masterKeyId)).toBe(true);
    expect(after.masterKey.id).toBe(rotated.masterKeyId);
    expect(after.masterKey.id).not.toBe(before.masterKey.id);
    const { stdout } = await platform.cli(['config', 'get', 'SECRET', '-a', 'neighbour']);
    expect(stdout.trim()).toBe(secret.neighbour);
  });
});
