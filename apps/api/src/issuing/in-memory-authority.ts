import { selfSigned } from '@shiplog/secrets/self-signed';
import type { StoredCertificate } from '@shiplog/secrets';
import { AuthorityError, type Authority, type CertificateOrder } from './authority.port.js';

export interface InMemoryAuthorityOptions {
  /** Domains that turn out not to be ours. */
  readonly refused: ReadonlySet<string>;
  readonly lifeMs?: number;
  readonly now?: () => number;
}

/** For tests: vouches for everything but what it is told to refuse. */
export class InMemoryAuthority implements Authority {
  readonly orders: CertificateOrder[] = [];

  constructor(private readonly options: InMemoryAuthorityOptions) {}

  issue(order: CertificateOrder): Promise<StoredCertificate> {
    this.orders.push(order);
    const { refused, lifeMs = 90 * 86_400_000, now = Date.now } = this.options;
    if (refused.has(order.domain))
      return Promise.reject(new AuthorityError('refused', `${order.domain} did not answer`));
    return selfSigned({
      names: [order.domain],
      notBefore: new Date(now() - 1_000),
      notAfter: new Date(now() + lifeMs),
    });
  }

  answerTo(token: string): Promise<string> {
    return Promise.resolve(`${token}.thumbprint`);
  }
}
