import { certificateDomain } from '@shiplog/events';
import { FILES } from './file-names.js';
import { replaceFile } from '../replace-file.js';
import { HaproxyRuntime } from './runtime.js';
import { parseMap } from './state.js';
import { listLine, storedOf, writeTlsFiles } from '../tls/tls-files.js';
import { tlsPaths } from '../tls/tls-paths.js';
import type { RouterPaths } from '../routes/router-paths.js';
import { RouterError } from '../routes/router.port.js';
import type {
  ActualTls,
  ServedCertificate,
  Terminator,
  TlsAction,
} from '../tls/terminator.port.js';

/** What it serves, action by action. */
interface Draft {
  readonly served: Set<string>;
  /** PEM by domain: what was installed since. */
  readonly given: Map<string, string>;
  readonly redirects: Set<string>;
  readonly hsts: Map<string, number>;
}

/** Certificates in HAProxy's memory, changed through its runtime API; the files beside are for its next start. */
export class HaproxyTerminator implements Terminator {
  private readonly runtime: HaproxyRuntime;
  private readonly tls: ReturnType<typeof tlsPaths>;

  constructor(private readonly paths: RouterPaths) {
    this.runtime = new HaproxyRuntime(paths.admin);
    this.tls = tlsPaths(paths);
  }

  async observe(): Promise<ActualTls> {
    const actual = await this.served();
    // What the next start would not bring is not served for long: it is to be installed again.
    const stored = await storedOf(this.tls, actual.certificates.keys());
    const certificates = [...actual.certificates].filter(([domain]) => stored.has(domain));
    return { ...actual, certificates: new Map(certificates) };
  }

  async apply(actions: readonly TlsAction[]): Promise<void> {
    if (actions.length === 0) return;
    const { certificates, redirects, hsts } = await this.served();
    const draft = {
      served: new Set(certificates.keys()),
      given: new Map<string, string>(),
      redirects: new Set(redirects),
      hsts: new Map(hsts),
    };
    try {
      for (const action of actions) await this.carryOut(action, draft);
    } finally {
      // What was done before something was refused is there after the next start, too.
      await this.save(draft);
    }
  }

  private async carryOut(action: TlsAction, draft: Draft): Promise<void> {
    const { served, given, redirects, hsts } = draft;
    switch (action.kind) {
      case 'install': {
        const { domain, pem } = action.certificate;
        await this.install(action.certificate, served.has(domain));
        served.add(domain);
        given.set(domain, pem);
        return;
      }
      case 'uninstall':
        if (served.has(action.domain)) await this.uninstall(action.domain);
        served.delete(action.domain);
        return;
      case 'redirect':
        await this.setMap(FILES.redirects, redirects.has(action.host), {
          host: action.host,
          value: action.isOn ? 'on' : undefined,
        });
        if (action.isOn) redirects.add(action.host);
        else redirects.delete(action.host);
        return;
      case 'hsts':
        await this.setMap(FILES.hsts, hsts.has(action.host), {
          host: action.host,
          value: action.seconds === null ? undefined : String(action.seconds),
        });
        if (action.seconds === null) hsts.delete(action.host);
        else hsts.set(action.host, action.seconds);
    }
  }

  private async save({ served, given, redirects, hsts }: Draft): Promise<void> {
    await writeTlsFiles(this.tls, served, given);
    await replaceFile(this.paths.redirects, mapText([...redirects].map((host) => [host, 'on'])));
    await replaceFile(this.paths.hsts, mapText([...hsts]));
  }

  /** What is in its memory, whatever lies on the disk. */
  private async served(): Promise<ActualTls> {
    const [list = '', redirects = '', hsts = ''] = await this.runtime.ask([
      `show ssl crt-list ${this.tls.list}`,
      `show map ${FILES.redirects}`,
      `show map ${FILES.hsts}`,
    ]);
    const domains = domainsIn(list);
    const shown = await this.runtime.ask(
      domains.map((domain) => `show ssl cert ${this.tls.certificate(domain)}`),
    );
    const certificates = domains.flatMap((domain, i) => {
      const sha1 = /^SHA1 FingerPrint: ([0-9A-F]{40})$/m.exec(shown[i] ?? '')?.[1];
      return sha1 === undefined ? [] : [[domain, sha1] as const];
    });
    return {
      certificates: new Map(certificates),
      redirects: new Set(parseMap(redirects).keys()),
      hsts: new Map([...parseMap(hsts)].map(([host, seconds]) => [host, Number(seconds)])),
    };
  }

  /** `commit` puts it in the place of the one before in one step, in all handshakes from then on. */
  private async install({ domain, pem }: ServedCertificate, isThere: boolean): Promise<void> {
    if (!certificateDomain.safeParse(domain).success) throw refused(`"${domain}" is no domain`);
    const file = this.tls.certificate(domain);
    const [known = ''] = await this.runtime.ask([`show ssl cert ${file}`]);
    // A change that a crash left open would be in the way of this one.
    if (/^Filename:/m.test(known)) await this.runtime.ask([`abort ssl cert ${file}`]);
    else await this.runtime.change([`new ssl cert ${file}`]);
    await this.runtime.upload(
      `set ssl cert ${file}`,
      pem.trimEnd(),
      /Transaction (?:created|updated)/,
    );
    const [done = ''] = await this.runtime.ask([`commit ssl cert ${file}`]);
    if (!done.includes('Success!')) throw refused(done);
    if (isThere) return;
    const line = listLine(this.tls, domain);
    await this.runtime.upload(`add ssl crt-list ${this.tls.list}`, line, /Success!/);
  }

  private async uninstall(domain: string): Promise<void> {
    const file = this.tls.certificate(domain);
    await this.runtime.change([
      `del ssl crt-list ${this.tls.list} ${file}`,
      `del ssl cert ${file}`,
    ]);
  }

  private async setMap(
    map: string,
    isThere: boolean,
    { host, value }: { readonly host: string; readonly value: string | undefined },
  ): Promise<void> {
    if (!certificateDomain.safeParse(host).success) throw refused(`"${host}" is no host`);
    if (value === undefined) {
      if (isThere) await this.runtime.change([`del map ${map} ${host}`]);
      return;
    }
    await this.runtime.change([`${isThere ? 'set' : 'add'} map ${map} ${host} ${value}`]);
  }
}

const domainsIn = (list: string): string[] =>
  list.split('\n').flatMap((line) => /^\/\S+ (\S+)$/.exec(line)?.slice(1) ?? []);

const mapText = (entries: readonly (readonly [string, unknown])[]): string =>
  entries.map(([host, value]) => `${host} ${String(value)}\n`).join('');

const refused = (why: string): RouterError =>
  new RouterError('router-refused', `haproxy refused a certificate: ${why.trim().slice(0, 300)}`);
