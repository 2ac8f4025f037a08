import { execFileSync } from 'node:child_process';
import type { IncomingHttpHeaders } from 'node:http';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { ask } from '../testing/client.js';
import { startInstance, type TestInstance } from '../testing/test-instance.js';
import { echo, openTunnel } from '../testing/upgrade.js';
import { PATIENTLY } from '../testing/wait-for.js';
import { AUTHENTICATE } from '../pages/pages.js';
import type { RestartedRouter } from './matches.contract.js';
import type { Credentials } from './router.port.js';
import { rulesOf } from './traffic-rules.js';

/** By openssl, so that nothing of ours says what is right. */
const hashOf = (password: string): string =>
  execFileSync('openssl', ['passwd', '-6', '-stdin'], { input: password }).toString().trim();

const PASSWORD = 'correct horse: battery';
const LONGEST = 'ä'.repeat(31) + 'x';

/** Who gets through to an app that asks for names and passwords: of both kinds, with real requests. */
export const describePasswords = (name: string, create: () => Promise<RestartedRouter>): void => {
  describe(`${name} and passwords of clients`, () => {
    let underTest: RestartedRouter;
    let instance: TestInstance;
    let apps = 0;
    const users = { ann: hashOf(PASSWORD), 'bob@example.com': hashOf(LONGEST) };

    beforeAll(async () => {
      underTest = await create();
      instance = await startInstance('i1', 0);
    });
    afterAll(async () => {
      await underTest.close();
      await instance.kill();
    });

    const police = (appId: string, credentials: Credentials) =>
      underTest.router.apply([{ kind: 'police', appId, rules: rulesOf({}, credentials) }]);
    /** Each app has a count of wrong passwords of its own. */
    const app = async (credentials: Partial<Credentials> = {}) => {
      apps += 1;
      const appId = `w${apps}`;
      const { port } = instance;
      const endpoint = { instanceId: `${appId}-1`, appId, host: '127.0.0.1', port, weight: 1 };
      const rules = rulesOf({}, { users, passesHeader: false, ...credentials });
      const hosts = [`${appId}.localhost`, `*.${appId}.localhost`, `paths.localhost/${appId}`];
      await underTest.router.apply([
        { kind: 'serve', endpoint },
        { kind: 'police', appId, rules },
        ...hosts.map((host) => ({ kind: 'bind-host', host, appId }) as const),
      ]);
      return { appId, host: `${appId}.localhost` };
    };
    const basic = (user: string, password: string): string =>
      `Basic ${Buffer.from(`${user}:${password}`).toString('base64')}`;
    const as = (authorization: string, host: string, path = '/') =>
      ask(underTest.port, { host, path, headers: { authorization } });
    /** As a client does that is told to come again in a second. */
    const statusOf = async (authorization: string, host: string): Promise<number> => {
      let answer = await as(authorization, host);
      const isLate = () => answer.status === 429 && answer.headers['retry-after'] === '1';
      while (isLate()) answer = await as(authorization, host);
      return answer.status;
    };

    it('asks for them with 401, and lets through who has them, again and again', async () => {
      const { appId, host } = await app();
      const open = await ask(underTest.port, { host });
      expect([open.status, open.headers['www-authenticate']]).toEqual([401, AUTHENTICATE]);
      expect(open.headers['x-shiplog-router']).toBe('password-required');
      for (const at of [host, `any.${host}`]) {
        expect((await ask(underTest.port, { host: at })).status).toBe(401);
        expect(await statusOf(basic('ann', PASSWORD), at)).toBe(200);
      }
      const path = { host: 'paths.localhost', path: `/${appId}/x` };
      expect((await ask(underTest.port, path)).status).toBe(401);
      // The password is known by now.
      expect((await as(basic('ann', PASSWORD), path.host, path.path)).body).toBe('i1');
      const bob = basic('bob@example.com', LONGEST);
      for (let i = 0; i < 30; i += 1) expect(await statusOf(bob, host)).toBe(200);
    });

    it.each([
      ['another password', basic('ann', 'correct horse: batterz')],
      ['more than the password', basic('ann', `${PASSWORD}x`)],
      ['more behind a NUL', basic('ann', `${PASSWORD}\0x`)],
      ['the password of somebody else', basic('ann', LONGEST)],
      ['a name that nobody has', basic('eve', PASSWORD)],
      ['a name in other letters', basic('Ann', PASSWORD)],
      ['the hash itself', basic('ann', users.ann)],
      ['no password', basic('ann', '')],
      ['neither', basic('', '')],
      ['no colon', `Basic ${Buffer.from('ann').toString('base64')}`],
      ['what is not base64', 'Basic %%%'],
      ['another scheme', `Bearer ${Buffer.from(`ann:${PASSWORD}`).toString('base64')}`],
      ['a password that is very long', basic('ann', 'x'.repeat(4_000))],
      ['a name with a path in it', basic('../ann', PASSWORD)],
    ])('answers 401 to %s', async (_, authorization) => {
      const { host } = await app();
      expect(await statusOf(authorization, host)).toBe(401);
      expect(await statusOf(basic('ann', PASSWORD), host)).toBe(200);
      expect(await statusOf(authorization, host)).toBe(401);
    });

    it('tells the app the name, not what a client claims, and the password only where it is to', async () => {
      const { appId, host } = await app();
      const seen = async () => {
        const headers = { authorization: basic('ann', PASSWORD), 'x-forwarded-user': 'root' };
        const { body } = await ask(underTest.port, { host, path: '/headers', headers });
        const got = JSON.parse(body) as IncomingHttpHeaders;
        return [got['x-forwarded-user'], got.authorization];
      };
      expect(await seen()).toEqual(['ann', undefined]);
      await police(appId, { users, passesHeader: true });
      expect(await seen()).toEqual(['ann', basic('ann', PASSWORD)]);
      await underTest.router.apply([{ kind: 'unpolice', appId }]);
      expect(await seen()).toEqual([undefined, basic('ann', PASSWORD)]);
    });

    it('takes another password, and no name any more, from the next request on', async () => {
      const { appId, host } = await app();
      expect(await statusOf(basic('ann', PASSWORD), host)).toBe(200);
      await police(appId, { users: { ann: hashOf('another one') }, passesHeader: false });
      expect(await statusOf(basic('ann', PASSWORD), host)).toBe(401);
      expect(await statusOf(basic('ann', 'another one'), host)).toBe(200);
      expect(await statusOf(basic('bob@example.com', LONGEST), host)).toBe(401);
      await police(appId, { users: {}, passesHeader: false });
      expect(await statusOf(basic('ann', 'another one'), host)).toBe(401);
      expect((await ask(underTest.port, { host })).status).toBe(401);
    });

    it('keeps the apps apart, also where the same name has another password', async () => {
      const [one, other] = [await app(), await app({ users: { ann: hashOf('of the other') } })];
      expect(await statusOf(basic('ann', PASSWORD), one.host)).toBe(200);
      expect(await statusOf(basic('ann', PASSWORD), other.host)).toBe(401);
      expect(await statusOf(basic('ann', 'of the other'), other.host)).toBe(200);
    });

    it('opens a WebSocket for those who have them, and for nobody else', async () => {
      const { host } = await app();
      await expect(openTunnel(underTest.port, host)).rejects.toThrow();
      const { socket } = await openTunnel(underTest.port, host, {
        authorization: basic('ann', PASSWORD),
      });
      expect(await echo(socket, 'hello')).toBe('hello');
      socket.destroy();
    });

    it('looks at no more passwords of a client that sends wrong ones, but goes on with a known one', async () => {
      const carl = { carl: hashOf('never sent before') };
      const [{ host }, other] = [await app({ users: { ...users, ...carl } }), await app()];
      const guess = (i: number) => as(basic('ann', `wrong password ${i}`), host);
      // Known to each thread and worker, whichever answers.
      const known = async () =>
        (
          await Promise.all(
            Array.from({ length: 20 }, () => statusOf(basic('ann', PASSWORD), host)),
          )
        ).every((status) => status === 200);
      await expect.poll(known, PATIENTLY).toBe(true);
      const refused = async () => {
        const { status, headers } = await guess(Math.random());
        return status === 429 && headers['retry-after'] === '60';
      };
      await expect.poll(refused, { ...PATIENTLY, interval: 1 }).toBe(true);
      expect(await statusOf(basic('carl', 'never sent before'), host)).toBe(429);
      expect(await statusOf(basic('ann', PASSWORD), host)).toBe(200);
      expect(await statusOf(basic('ann', PASSWORD), other.host)).toBe(200);
    });

    it('keeps them through a restart of the proxy without anybody who tells it again', async () => {
      const { appId, host } = await app();
      await underTest.restart();
      expect((await ask(underTest.port, { host })).status).toBe(401);
      expect(await statusOf(basic('ann', PASSWORD), host)).toBe(200);
      const rules = rulesOf({}, { users, passesHeader: false });
      expect((await underTest.router.observe()).policies.get(appId)).toBe(rules.id);
    });
  });
};
