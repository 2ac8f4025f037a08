import { writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { startPebble, type Pebble } from '@shiplog/secrets/testing';
import { freePort, runProgram, TestPlatform, type Finished } from './platform.js';
import { waitFor } from './wait.js';

export interface CertificateShown {
  readonly domain: string;
  readonly state: string;
  readonly source: string;
  readonly fingerprint: string;
}

/** As `npm start -- --public DOMAIN --email ADDRESS` on ports above 1024, with Pebble for an authority. */
export class PublicPlatform {
  private constructor(
    readonly platform: TestPlatform,
    readonly pebble: Pebble,
    readonly tlsPort: number,
    private readonly root: string,
  ) {}

  static async start(
    domain: string,
    { lifeSeconds, env = {} }: { lifeSeconds: number; env?: NodeJS.ProcessEnv },
  ): Promise<PublicPlatform> {
    const [httpPort, tlsPort] = [await freePort(), await freePort()];
    const pebble = await startPebble({ httpPort, lifeSeconds });
    const platform = await TestPlatform.start({
      name: 'public',
      env: {
        SHIPLOG_PUBLIC: 'yes',
        SHIPLOG_DOMAIN: domain,
        SHIPLOG_ACME_EMAIL: 'ops@example.com',
        SHIPLOG_ACME_DIRECTORY: pebble.directory,
        SHIPLOG_ROUTER_BIND: '127.0.0.1',
        SHIPLOG_ROUTER_PORT: String(httpPort),
        SHIPLOG_TLS_PORT: String(tlsPort),
        NODE_EXTRA_CA_CERTS: pebble.caFile,
        ...env,
      },
    });
    const root = join(platform.home, 'root.pem');
    await writeFile(root, await pebble.root());
    return new PublicPlatform(platform, pebble, tlsPort, root);
  }

  async shown(domain: string): Promise<CertificateShown | undefined> {
    const all = await this.platform.json<CertificateShown[]>(['certs', 'list']);
    return all.find((one) => one.domain === domain);
  }

  served(domain: string): Promise<void> {
    return waitFor(
      `the certificate of ${domain}`,
      async () => (await this.shown(domain))?.state === 'served',
    );
  }

  /** As a person would: verified, by name. */
  curl(host: string, path: string, ...more: readonly string[]): Promise<Finished> {
    return runProgram('curl', [
      ...['--silent', '--show-error', '--cacert', this.root, '--write-out', '\n%{http_code}'],
      ...['--resolve', `${host}:${this.tlsPort}:127.0.0.1`, ...more],
      `https://${host}:${this.tlsPort}${path}`,
    ]);
  }

  /** The head of an answer to a plain request. */
  async plainHead(host: string, path: string): Promise<string> {
    const { stdout } = await runProgram('curl', [
      ...['--silent', '--head', '--header', `Host: ${host}`],
      `${this.platform.routerUrl}${path}`,
    ]);
    return stdout.replaceAll('Location:', 'location:');
  }

  async destroy(): Promise<void> {
    await this.platform.destroy();
    await this.pebble.stop();
  }
}
