/** What a proxy serves over HTTPS, read back from it. */
export interface ActualTls {
  /** SHA-1 fingerprint, 40 upper-case hexadecimal digits, by domain. */
  readonly certificates: ReadonlyMap<string, string>;
  /** Hosts whose requests over plain HTTP are sent on to https. */
  readonly redirects: ReadonlySet<string>;
  /** Seconds that browsers are told to use https alone, by host. */
  readonly hsts: ReadonlyMap<string, number>;
}

export interface ServedCertificate {
  /** Host, or `*.` and a host. */
  readonly domain: string;
  /** PEM: the certificate, those that lead to its root, the private key. */
  readonly pem: string;
}

export type TlsAction =
  /** In the place of the one before, if there is one: no handshake fails meanwhile. */
  | { readonly kind: 'install'; readonly certificate: ServedCertificate }
  | { readonly kind: 'uninstall'; readonly domain: string }
  /**
   * `host`: a host, or `*.` and a host: then those of one label more that are routed by a wildcard domain, and
   * not by their own name.
   */
  | { readonly kind: 'redirect'; readonly host: string; readonly isOn: boolean }
  /** Null: browsers are told nothing. */
  | { readonly kind: 'hsts'; readonly host: string; readonly seconds: number | null };

/**
 * The part of a proxy that speaks TLS; it changes while it serves. An exact host goes before a wildcard. A
 * handshake for a host without certificate fails. Every adapter passes `describeTerminator`.
 */
export interface Terminator {
  /** Reads the proxy itself, never a memory of what was asked of it. */
  observe(): Promise<ActualTls>;

  /**
   * Carries the actions out in order. On repetition the same state again; what is not there need not be
   * taken out. When it resolves, a proxy that is restarted without us comes back with this.
   */
  apply(actions: readonly TlsAction[]): Promise<void>;
}
