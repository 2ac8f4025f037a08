import { createHash } from 'node:crypto';
import { readFile } from 'node:fs/promises';
import type { Agent } from 'node:https';
import type { AcmeConfig } from '@shiplog/runtime';
import type { CertificateStore, StoredCertificate } from '@shiplog/secrets';
import acme from 'acme-client';
import { AuthorityError, type Authority, type CertificateOrder } from './authority.port.js';
import { runDnsHook } from './dns-hook.js';

export interface AcmeOptions {
  readonly acme: AcmeConfig;
  readonly certificates: Pick<CertificateStore, 'accountKey'>;
  /** How it is reached, for an authority with a root of its own in tests. */
  readonly agent?: Agent;
}

const POLL_MS = { backoffMin: 1_000, backoffMax: 15_000, backoffAttempts: 12 };

/** An ACME authority (RFC 8555) by acme-client. The account key is made once per directory, and kept encrypted. */
export class AcmeAuthority implements Authority {
  private client: Promise<acme.Client> | undefined;
  private thumbprint: Promise<string> | undefined;

  constructor(private readonly options: AcmeOptions) {
    // It waits in its own loops for what the log waits for: once is enough.
    const defaults = acme.axios.defaults as unknown as {
      acmeSettings: { retryMaxAttempts: number };
    };
    defaults.acmeSettings.retryMaxAttempts = 1;
    if (options.agent !== undefined) acme.axios.defaults.httpsAgent = options.agent;
  }

  async issue({ domain, challenge }: CertificateOrder): Promise<StoredCertificate> {
    try {
      this.client ??= this.open();
      const client = await this.client;
      const key = await acme.crypto.createPrivateEcdsaKey('P-256');
      const [, csr] = await acme.crypto.createCsr({ altNames: [domain] }, key);
      const chain = await client.auto({
        csr,
        email: this.options.acme.email,
        termsOfServiceAgreed: true,
        // Asked for from here it says nothing about what the authority sees.
        skipChallengeVerification: true,
        challengePriority: [challenge],
        challengeCreateFn: (authorization, { type }, answer) =>
          this.prove('present', type, recordOf(authorization.identifier.value, answer)),
        challengeRemoveFn: (authorization, { type }, answer) =>
          this.prove('cleanup', type, recordOf(authorization.identifier.value, answer)),
      });
      return { chain, privateKey: key.toString() };
    } catch (error) {
      // An account that could not be opened is tried again.
      this.client = undefined;
      throw error instanceof AuthorityError ? error : asAuthorityError(error);
    }
  }

  async answerTo(token: string): Promise<string> {
    this.thumbprint ??= this.accountKey().then(thumbprintOf);
    return `${token}.${await this.thumbprint}`;
  }

  /** HTTP-01 is answered by `answerTo` at any time: there is nothing to prepare. */
  private prove(
    action: 'present' | 'cleanup',
    type: string,
    record: ReturnType<typeof recordOf>,
  ): Promise<void> {
    const { dnsHook } = this.options.acme;
    if (type !== 'dns-01') return Promise.resolve();
    if (dnsHook === undefined)
      return Promise.reject(
        new AuthorityError(
          'refused',
          'the authority offers DNS-01 only: set SHIPLOG_ACME_DNS_HOOK',
        ),
      );
    return runDnsHook(dnsHook, action, record);
  }

  private async open(): Promise<acme.Client> {
    const { directory, externalAccount } = this.options.acme;
    const accountKey = await this.accountKey();
    const binding =
      externalAccount === undefined
        ? {}
        : {
            externalAccountBinding: {
              kid: externalAccount.keyId,
              hmacKey: (await readFile(externalAccount.keyFile, 'utf8')).trim(),
            },
          };
    return new acme.Client({ directoryUrl: directory, accountKey, ...POLL_MS, ...binding });
  }

  private accountKey(): Promise<string> {
    const { acme: config, certificates } = this.options;
    const name = createHash('sha256').update(config.directory).digest('hex');
    return certificates.accountKey(name, async () =>
      (await acme.crypto.createPrivateEcdsaKey('P-256')).toString(),
    );
  }
}

const recordOf = (domain: string, answer: string) => ({
  name: `_acme-challenge.${domain}`,
  value: answer,
  domain,
});

/** RFC 7638: what the authority knows the account key by. */
const thumbprintOf = (accountKey: string): string =>
  createHash('sha256')
    .update(JSON.stringify(acme.crypto.getJwk(accountKey)))
    .digest('base64url');

const asAuthorityError = (cause: unknown): AuthorityError => {
  const { code, message = '' } = cause as { code?: string; message?: string };
  const said = message.replaceAll(/\p{C}/gu, ' ').slice(0, 1000);
  if (/rate.?limit|too many/i.test(said))
    return new AuthorityError('rate-limited', said, { cause });
  // What a socket says has a code; what the authority says has none. Where there was no answer at all
  // acme-client 5.4 stumbles over that (`validateStatus` of its axios.js).
  return code !== undefined || cause instanceof TypeError
    ? new AuthorityError('unreachable', `the authority does not answer (${code ?? 'no answer'})`, {
        cause,
      })
    : new AuthorityError('refused', said || 'the authority gave no reason', { cause });
};
