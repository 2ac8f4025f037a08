import { createPrivateKey, X509Certificate } from 'node:crypto';
import { certificateDomain } from '@shiplog/events';
import { replaceFile } from '../replace-file.js';
import { RouterError } from '../routes/router.port.js';
import { storedOf, writeTlsFiles } from '../tls/tls-files.js';
import { tlsPaths } from '../tls/tls-paths.js';
import type {
  ActualTls,
  ServedCertificate,
  Terminator,
  TlsAction,
} from '../tls/terminator.port.js';
import { NginxAdmin } from './admin.js';
import type { NginxPaths } from './files.js';

/** Certificates in the memory that the workers of nginx share; the files beside are for its next start. */
export class NginxTerminator implements Terminator {
  private readonly admin: NginxAdmin;
  private readonly tls: ReturnType<typeof tlsPaths>;

  constructor(private readonly paths: NginxPaths) {
    this.admin = new NginxAdmin(paths.admin);
    this.tls = tlsPaths(paths);
  }

  async observe(): Promise<ActualTls> {
    const actual = parseTls(await this.admin.readTls());
    // What the next start would not bring is not served for long: it is to be installed again.
    const stored = await storedOf(this.tls, actual.certificates.keys());
    const certificates = [...actual.certificates].filter(([domain]) => stored.has(domain));
    return { ...actual, certificates: new Map(certificates) };
  }

  async apply(actions: readonly TlsAction[]): Promise<void> {
    if (actions.length === 0) return;
    const lines = actions.map(lineOf);
    const given = new Map<string, string>();
    try {
      // One by one, in order: who is sent on to https finds a certificate there.
      for (const [i, action] of actions.entries()) {
        await this.admin.changeTls([lines[i] ?? '']);
        if (action.kind === 'install') given.set(action.certificate.domain, action.certificate.pem);
      }
    } finally {
      await this.save(given);
    }
  }

  private async save(given: ReadonlyMap<string, string>): Promise<void> {
    const lines = await this.admin.readTls();
    await writeTlsFiles(this.tls, parseTls(lines).certificates.keys(), given);
    const policies = lines.filter((line) => !line.startsWith('certificate '));
    await replaceFile(this.paths.https, policies.map((line) => `${line}\n`).join(''));
  }
}

/** As `shiplog_tls.lua` tells it. */
const parseTls = (lines: readonly string[]): ActualTls => {
  const certificates = new Map<string, string>();
  const redirects = new Set<string>();
  const hsts = new Map<string, number>();
  for (const line of lines) {
    const [what, name = '', value = ''] = line.split(' ');
    if (what === 'certificate') certificates.set(name, value);
    if (what === 'redirect') redirects.add(name);
    if (what === 'hsts') hsts.set(name, Number(value));
  }
  return { certificates, redirects, hsts };
};

/** The last gate before the socket, where a newline would begin another change. */
const lineOf = (action: TlsAction): string => {
  switch (action.kind) {
    case 'install':
      return installLine(action.certificate);
    case 'uninstall':
      return `nocertificate ${domainOf(action.domain)}`;
    case 'redirect':
      return `${action.isOn ? '' : 'no'}redirect ${domainOf(action.host)}`;
    case 'hsts': {
      const host = domainOf(action.host);
      return action.seconds === null ? `nohsts ${host}` : `hsts ${host} ${action.seconds}`;
    }
  }
};

const installLine = ({ domain, pem }: ServedCertificate): string => {
  if (!hasItsKey(pem)) throw refused(`${domainOf(domain)}: no certificate with its key`);
  return `certificate ${domainOf(domain)} ${Buffer.from(pem).toString('base64')}`;
};

/** Nginx would find out in a handshake. */
const hasItsKey = (pem: string): boolean => {
  try {
    return new X509Certificate(pem).checkPrivateKey(createPrivateKey(pem));
  } catch {
    return false;
  }
};

const domainOf = (domain: string): string => {
  if (!certificateDomain.safeParse(domain).success) throw refused(`"${domain}" is no domain`);
  return domain;
};

const refused = (why: string): RouterError =>
  new RouterError('router-refused', `nginx takes no such certificate: ${why}`);
