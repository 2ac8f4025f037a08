import type { AcmeChallenge, CertificateEvent, CertificateFacts } from '@shiplog/events';
import { accept, reject, type Decider, type Decision } from '../decider.js';

export type CertificateCommand =
  | { type: 'InstallCertificate'; domain: string; certificate: CertificateFacts }
  | { type: 'RemoveCertificate'; domain: string }
  | {
      type: 'OrderCertificate';
      domain: string;
      orderId: string;
      directory: string;
      challenge: AcmeChallenge;
      /** Now, and until when nobody else orders. */
      at: string;
      until: string;
    }
  /** What came of an order. Ignored where another order took its place. */
  | { type: 'RecordIssued'; domain: string; orderId: string; certificate: CertificateFacts }
  | {
      type: 'RecordFailed';
      domain: string;
      orderId: string;
      code: string;
      summary: string;
      retryAt: string;
    };

export type CertificateRejection =
  | { code: 'certificate-not-found'; domain: string }
  /** Somebody asks the authority just now, or the certificate is somebody's own. */
  | { code: 'certificate-order-open'; domain: string; until: string };

export interface CertificateOrder {
  readonly orderId: string;
  readonly challenge: AcmeChallenge;
  readonly attempt: number;
  readonly until: string;
}

export interface CertificateFailure {
  readonly attempt: number;
  readonly code: string;
  readonly summary: string;
  readonly retryAt: string;
}

export interface KnownCertificate {
  readonly status: 'known';
  readonly domain: string;
  /** What routers serve; null where there is none yet. */
  readonly certificate: CertificateFacts | null;
  /** The one that was begun last and has no result. */
  readonly order: CertificateOrder | null;
  /** The newest one, since the last certificate. */
  readonly failure: CertificateFailure | null;
}
export type CertificateState = { readonly status: 'none' } | KnownCertificate;

/** The certificate of one domain: what serves, what was ordered, what went wrong. */
export const certificate: Decider<
  CertificateState,
  CertificateCommand,
  CertificateEvent,
  CertificateRejection
> = {
  initialState: { status: 'none' },
  decide: (command, state) => {
    const known = state.status === 'known' ? state : unknown(command.domain);
    switch (command.type) {
      case 'InstallCertificate':
        return known.certificate?.fingerprint === command.certificate.fingerprint
          ? accept()
          : accept(installed(command.domain, command.certificate));
      case 'RemoveCertificate':
        return remove(known);
      case 'OrderCertificate':
        return order(command, known);
      case 'RecordIssued':
        return known.order?.orderId === command.orderId
          ? accept(installed(command.domain, command.certificate))
          : accept();
      case 'RecordFailed':
        return fail(command, known);
    }
  },
  evolve: (state, event) => {
    const before = state.status === 'known' ? state : unknown(event.data.domain);
    switch (event.type) {
      case 'CertificateInstalled':
        return { ...unknown(before.domain), certificate: event.data.certificate };
      case 'CertificateRemoved':
        return { status: 'none' };
      case 'CertificateOrdered': {
        const { orderId, challenge, attempt, until } = event.data;
        return { ...before, order: { orderId, challenge, attempt, until } };
      }
      case 'CertificateFailed': {
        const { attempt, code, summary, retryAt } = event.data;
        return { ...before, order: null, failure: { attempt, code, summary, retryAt } };
      }
    }
  },
};

type CommandOf<T extends CertificateCommand['type']> = Extract<CertificateCommand, { type: T }>;
type CertificateDecision = Decision<CertificateEvent, CertificateRejection>;

const remove = ({ domain, certificate: current }: KnownCertificate): CertificateDecision => {
  if (current === null) return reject({ code: 'certificate-not-found', domain });
  const { fingerprint } = current;
  return accept({ type: 'CertificateRemoved', v: 1, data: { domain, fingerprint } });
};

/** One at a time, whoever asks: the log is where they meet. */
const order = (
  { at, ...wanted }: CommandOf<'OrderCertificate'>,
  { order: open, failure, certificate: current }: KnownCertificate,
): CertificateDecision => {
  const { domain, orderId, directory, challenge, until } = wanted;
  if (open !== null && open.until > at) {
    return reject({ code: 'certificate-order-open', domain, until: open.until });
  }
  // Brought since the order was planned: it is nobody's to replace.
  if (current?.source === 'own') {
    return reject({ code: 'certificate-order-open', domain, until: current.notAfter });
  }
  const attempt = (failure?.attempt ?? 0) + 1;
  const data = { domain, orderId, directory, challenge, attempt, until };
  return accept({ type: 'CertificateOrdered', v: 1, data });
};

const fail = (
  { domain, orderId, code, summary, retryAt }: CommandOf<'RecordFailed'>,
  { order: open }: KnownCertificate,
): CertificateDecision => {
  if (open?.orderId !== orderId) return accept();
  const { attempt } = open;
  const data = { domain, orderId, attempt, code, summary, retryAt };
  return accept({ type: 'CertificateFailed', v: 1, data });
};

const installed = (domain: string, facts: CertificateFacts): CertificateEvent => ({
  type: 'CertificateInstalled',
  v: 1,
  data: { domain, certificate: facts },
});

const unknown = (domain: string): KnownCertificate => ({
  status: 'known',
  domain,
  certificate: null,
  order: null,
  failure: null,
});

/**
 * Did an authority give it for a host at which no app answers any more? Its name was given back, or its app destroyed. Those
 * of the platform itself are none of these.
 */
export const isForsaken = (
  { domain, source }: { readonly domain: string } & Pick<CertificateFacts, 'source'>,
  platform: string,
  isAnswered: (host: string) => boolean,
): boolean =>
  source === 'acme' && domain !== platform && domain !== `*.${platform}` && !isAnswered(domain);

/** Does a certificate of this domain serve the host? `*.` stands for one label. */
export const coversHost = (domain: string, host: string): boolean =>
  domain === host || (domain.startsWith('*.') && host.replace(/^[^.]+/, '*') === domain);

/** When an issued one is renewed: when two thirds of its life are over. */
export const renewAt = ({
  notBefore,
  notAfter,
}: Pick<CertificateFacts, 'notBefore' | 'notAfter'>): number => {
  const from = Date.parse(notBefore);
  return from + ((Date.parse(notAfter) - from) * 2) / 3;
};
