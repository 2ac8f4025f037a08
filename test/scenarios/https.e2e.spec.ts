import { writeFile } from 'node:fs/promises';
import { Agent, request } from 'node:https';
import { join } from 'node:path';
import { startPebble, type Pebble } from '@shiplog/secrets/testing';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { freePort, runProgram, TestPlatform } from '../support/platform.js';
import { deployed, type Repository } from '../support/repository.js';
import { waitFor } from '../support/wait.js';

const DOMAIN = 'paas.example.com';
const HOST = `ledger.${DOMAIN}`;

interface CertificateShown {
  readonly domain: string;
  readonly state: string;
  readonly source: string;
  readonly fingerprint: string;
}

/** As `npm start -- --public DOMAIN --email ADDRESS` on ports above 1024, with Pebble for an authority. */
describe('a public platform', () => {
  let pebble: Pebble;
  let platform: TestPlatform;
  let repository: Repository | undefined;
  let root: string;
  let tlsPort: number;

  beforeAll(async () => {
    const [httpPort, tls] = [await freePort(), await freePort()];
    tlsPort = tls;
    // So short a life that the renewal, after two thirds, can be waited for.
    pebble = await startPebble({ httpPort, lifeSeconds: 60 });
    platform = await TestPlatform.start({
      name: 'public',
      env: {
        SHIPLOG_PUBLIC: 'yes',
        SHIPLOG_DOMAIN: DOMAIN,
        SHIPLOG_ACME_EMAIL: 'ops@example.com',
        SHIPLOG_ACME_DIRECTORY: pebble.directory,
        SHIPLOG_ROUTER_BIND: '127.0.0.1',
        SHIPLOG_ROUTER_PORT: String(httpPort),
        SHIPLOG_TLS_PORT: String(tls),
        NODE_EXTRA_CA_CERTS: pebble.caFile,
      },
    });
    root = join(platform.home, 'root.pem');
    await writeFile(root, await pebble.root());
    repository = await deployed(platform, 'ledger', 'ledger');
  });
  afterAll(async () => {
    await repository?.remove();
    await platform.destroy();
    await pebble.stop();
  });

  const shown = async (domain: string) =>
    (await platform.json<CertificateShown[]>(['certs', 'list'])).find(
      (one) => one.domain === domain,
    );
  const served = (domain: string) =>
    waitFor(`the certificate of ${domain}`, async () => (await shown(domain))?.state === 'served');
  /** As a person would: verified, by name. */
  const curl = (host: string, path: string, ...more: readonly string[]) =>
    runProgram('curl', [
      ...['--silent', '--show-error', '--cacert', root, '--write-out', '\n%{http_code}'],
      ...[
        '--resolve',
        `${host}:${tlsPort}:127.0.0.1`,
        ...more,
        `https://${host}:${tlsPort}${path}`,
      ],
    ]);

  it('has certificates by itself: of its own host, and of each app', async () => {
    await served(DOMAIN);
    await served(HOST);
    const app = await curl(HOST, '/');
    expect([app.code, app.stdout.split('\n').at(-1)]).toEqual([0, '200']);
    const own = await curl(DOMAIN, '/healthz');
    expect(own.stdout).toContain('"ok"');
  });

  it('is signed in to at its address, over https alone', async () => {
    const token = await platform.token();
    const config = join(platform.home, 'curl.conf');
    await writeFile(config, `header = "Authorization: Bearer ${token}"\n`, { mode: 0o600 });
    const apps = await curl(DOMAIN, '/v1/apps', '--config', config);
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
    const sent = await runProgram('curl', [
      ...['--silent', '--head', '--header', `Host: ${HOST}`],
      `${platform.routerUrl}/a?b=c`,
    ]);
    expect(sent.stdout).toMatch(/^HTTP\/1\.1 308/);
    expect(sent.stdout).toContain(`location: https://${HOST}:${tlsPort}/a?b=c`);
  });

  it('renews certificates without a failed request', async () => {
    const before = await shown(HOST);
    const ca = await pebble.root();
    const agents = [new Agent({ ca, keepAlive: true }), new Agent({ ca, keepAlive: false })];
    const failed: string[] = [];
    let answered = 0;
    let isStopping = false;
    const client = async (agent: Agent | undefined): Promise<void> => {
      while (!isStopping) {
        const status = await statusOf(tlsPort, agent).catch((error: unknown) => String(error));
        answered += 1;
        if (status !== 200) failed.push(String(status));
      }
    };
    const clients = [...agents, ...agents].map(client);
    await waitFor(
      'the renewal',
      async () => {
        const now = await shown(HOST);
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
