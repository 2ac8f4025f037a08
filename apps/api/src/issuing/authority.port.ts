import type { AcmeChallenge } from '@shiplog/events';
import type { StoredCertificate } from '@shiplog/secrets';
import { OperationalError } from '@shiplog/runtime';

export interface CertificateOrder {
  /** Host, or `*.` and a host. */
  readonly domain: string;
  readonly challenge: AcmeChallenge;
}

/** Who issues certificates. Every adapter passes `describeAuthority`. */
export interface Authority {
  /**
   * Proves that the domain is ours, and gets a certificate with a key that was made for it. Throws
   * `AuthorityError`. On repetition another certificate: authorities count them.
   */
  issue(order: CertificateOrder): Promise<StoredCertificate>;

  /** What is answered to the authority for a token of its HTTP-01 challenge. */
  answerTo(token: string): Promise<string>;
}

export type AuthorityErrorCode =
  /** It says that enough was ordered: the next order has to wait. */
  | 'rate-limited'
  | 'unreachable'
  /** The program that sets DNS records failed. */
  | 'hook-failed'
  /** It did not find that the domain is ours, or does not want it. */
  | 'refused';

/** There is no certificate now. The message is what the authority said, for a person. */
export class AuthorityError extends OperationalError {
  readonly retryable = true;
  constructor(
    readonly code: AuthorityErrorCode,
    message: string,
    options?: ErrorOptions,
  ) {
    super(message, options);
  }
}
