import { writeFile } from 'node:fs/promises';
import { Agent, request } from 'node:https';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { runProgram, type TestPlatform } from '../support/platform.js';
import { PublicPlatform } from '../support/public-platform.js';
import { deployed, type Repository } from '../support/repository.js';
import { waitFor } from '../support/wait.js';

const DOMAIN = 'paas.example.com';
const HOST = `ledger.${DOMAIN}`;
/** Of each of four clients: without it they take all of the machine until the renewal. */
const BETWEEN_REQUESTS_MS = 20;

/** With the proxy that `SHIPLOG_ROUTER` names; nginx.e2e.spec.ts has a slice of it with Nginx. */
describe('a public platform', () => {
  let underTest: PublicPlatform;
  let platform: TestPlatform;
  let repository: Repository | undefined;

  beforeAll(async () => {
    // So short a life that the renewal, after two thirds, can be waited for.
    underTest = await PublicPlatform.start(DOMAIN, { lifeSeconds: 40 });
    ({ platform } = underTest);
    repository = await deployed(platform, 'ledger', 'ledger');
  });
  afterAll(async () => {
    await repository?.remove();
    await underTest.destroy();
  });

  it('has certificates by itself: of its own host, and of each app', async () => {
    await underTest.served(DOMAIN);
    await underTest.served(HOST);
    const app = await underTest.curl(HOST, '/');
    expect([app.code, app.stdout.split('\n').at(-1)]).toEqual([0, '200']);
    const own = await underTest.curl(DOMAIN, '/healthz');
    expect(own.stdout).toContain('"ok"');
  });

  it('is signed in to at its address, over https alone', async () => {
    const token = await platform.token();
    const config = join(platform.home, 'curl.conf');
    await writeFile(config, `header = "Authorization: Bearer ${token}"\n`, { mode: 0o600 });
    const apps = await underTest.curl(DOMAIN, '/v1/apps', '--config', config);
    expect(apps.stdout).toMatch(/"ledger"[\s\S]*\n200$/);
    const plain = await fetch(`${platform.routerUrl}/v1/apps`, {
      headers: { authorization: `Bearer ${token}` },
      redirect: 'manual',
    }).then((answer) => answer.status);
    // By its address, not its name: nobody's host.
    expect(plain).toBe(404);
    const refused = await runProgram('curl', [
      ...['--silent', '--config', config, '--header', `Host: ${DOMAIN}`],
      `${platform.routerUrl}/v1/apps`,
    ]);
    expect(JSON.parse(refused.stdout)).toMatchObject({ code: 'https-required', status: 403 });
  });

  it('sends plain requests of an app on to https', async () => {
    const head = await underTest.plainHead(HOST, '/a?b=c');
    expect(head).toMatch(/^HTTP\/1\.1 308/);
    expect(head).toContain(`location: https://${HOST}:${underTest.tlsPort}/a?b=c`);
  });

  it('renews certificates without a failed request', async () => {
    const before = await underTest.shown(HOST);
    const ca = await underTest.pebble.root();
    const agents = [new Agent({ ca, keepAlive: true }), new Agent({ ca, keepAlive: false })];
    const failed: string[] = [];
    let answered = 0;
    let isStopping = false;
    const client = async (agent: Agent | undefined): Promise<void> => {
      while (!isStopping) {
        const status = await statusOf(underTest.tlsPort, agent).catch((error: unknown) =>
          String(error),
        );
        answered += 1;
        if (status !== 200) failed.push(String(status));
        await new Promise((resolve) => setTimeout(resolve, BETWEEN_REQUESTS_MS));
      }
    };
    const clients = [...agents, ...agents].map(client);
    await waitFor(
      'the renewal',
      async () => {
        const now = await underTest.shown(HOST);
        return now?.state === 'served' && now.fingerprint !== before?.fingerprint;
      },
      { timeoutMs: 90_000 },
    );
    isStopping = true;
    await Promise.all(clients);
    for (const agent of agents) agent.destroy();
    expect(failed).toEqual([]);
    expect(answered).toBeGreaterThan(100);
    const doctor = await platform.json<{ findings: { name: string; state: string }[] }>(['doctor']);
    expect(doctor.findings).toContainEqual(
      expect.objectContaining({ name: 'certificates', state: 'ok' }),
    );
  });

  it('has no private key in its log or its output', async () => {
    const events = await platform.cli(['events', '--json']);
    for (const text of [events.stdout, platform.output]) expect(text).not.toContain('PRIVATE KEY');
    expect(events.stdout).toContain('CertificateInstalled');
  });
});

const statusOf = (port: number, agent: Agent | undefined): Promise<number | undefined> =>
  new Promise((resolve, reject) => {
    const options = { host: '127.0.0.1', port, servername: HOST, headers: { host: HOST } };
    request({ ...options, agent, timeout: 10_000 }, (response) => {
      response.resume();
      response.on('end', () => resolve(response.statusCode));
    })
      .on('error', reject)
      .end();
  });
