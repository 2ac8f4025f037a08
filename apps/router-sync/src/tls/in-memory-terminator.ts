import { X509Certificate } from 'node:crypto';
import type { ActualTls, Terminator, TlsAction } from './terminator.port.js';

/** For tests: what a proxy would hold. */
export class InMemoryTerminator implements Terminator {
  private readonly certificates = new Map<string, string>();
  private readonly redirects = new Set<string>();
  private readonly hsts = new Map<string, number>();

  observe(): Promise<ActualTls> {
    return Promise.resolve({
      certificates: new Map(this.certificates),
      redirects: new Set(this.redirects),
      hsts: new Map(this.hsts),
    });
  }

  apply(actions: readonly TlsAction[]): Promise<void> {
    for (const action of actions) this.carryOut(action);
    return Promise.resolve();
  }

  private carryOut(action: TlsAction): void {
    switch (action.kind) {
      case 'install':
        this.certificates.set(action.certificate.domain, sha1Of(action.certificate.pem));
        return;
      case 'uninstall':
        this.certificates.delete(action.domain);
        return;
      case 'redirect':
        if (action.isOn) this.redirects.add(action.host);
        else this.redirects.delete(action.host);
        return;
      case 'hsts':
        if (action.seconds === null) this.hsts.delete(action.host);
        else this.hsts.set(action.host, action.seconds);
    }
  }
}

/** Of the first certificate, as proxies tell it. */
export const sha1Of = (pem: string): string =>
  new X509Certificate(pem).fingerprint.replaceAll(':', '');
