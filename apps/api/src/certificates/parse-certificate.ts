import { createHash, createPrivateKey, X509Certificate, type KeyObject } from 'node:crypto';
import { coversHost } from '@shiplog/domain';
import type { CertificateFacts } from '@shiplog/events';
import type { StoredCertificate } from '@shiplog/secrets';
import { Problem } from '../http/problem.js';

export interface ParsedCertificate {
  readonly facts: CertificateFacts;
  /** In the form in which it is stored and served: nothing but PEM blocks. */
  readonly stored: StoredCertificate;
}

interface Given {
  readonly domain: string;
  /** PEM: the certificate and those that lead to its root, in this order. */
  readonly chain: string;
  /** PEM. */
  readonly privateKey: string;
  readonly source: CertificateFacts['source'];
  readonly nowMs: number;
}

/** HAProxy 2.6 takes chain and key as one payload of its buffer of 16 kB. */
const PEM_LENGTH_MAX = 14_000;
const NAMES_MAX = 100;
const RSA_BITS_MIN = 2048;
const CURVES = ['prime256v1', 'secp384r1'];

/** Throws a `certificate-invalid` problem that says what is wrong and what would be right. */
export const parseCertificate = ({
  domain,
  chain,
  privateKey,
  ...more
}: Given): ParsedCertificate => {
  const certificates = certificatesIn(chain);
  const [leaf] = certificates;
  if (leaf === undefined)
    throw invalid(
      'certificate',
      'no certificate is in it; expected PEM: -----BEGIN CERTIFICATE-----',
    );
  requireTime(leaf, more.nowMs);
  const names = namesOf(leaf);
  if (!names.some((name) => coversHost(name, domain)))
    throw invalid(
      'certificate',
      `it is for ${names.join(', ') || 'no host'}, not for ${domain}: bring one that names ${domain}`,
    );
  requireOrder(certificates);
  const key = privateKeyIn(privateKey);
  if (!leaf.checkPrivateKey(key))
    throw invalid(
      'privateKey',
      'it is not the key of this certificate: bring the one that the certificate was requested with',
    );
  requireStrength(key);
  const stored = {
    chain: certificates.map((one) => one.toString()).join(''),
    privateKey: key.export({ type: 'pkcs8', format: 'pem' }).toString(),
  };
  if (stored.chain.length + stored.privateKey.length > PEM_LENGTH_MAX)
    throw invalid(
      'certificate',
      `it takes more than ${PEM_LENGTH_MAX} characters together with its key: leave the root out of the chain, or use an EC key`,
    );
  return { stored, facts: factsOf(leaf, names, more.source) };
};

const factsOf = (
  leaf: X509Certificate,
  names: readonly string[],
  source: CertificateFacts['source'],
): CertificateFacts => ({
  fingerprint: createHash('sha256').update(leaf.raw).digest('hex'),
  names: [...names],
  issuer: printableIssuer(leaf.issuer),
  notBefore: new Date(leaf.validFrom).toISOString(),
  notAfter: new Date(leaf.validTo).toISOString(),
  source,
});

const BLOCK = /-----BEGIN CERTIFICATE-----[A-Za-z0-9+/=\s]+?-----END CERTIFICATE-----/g;

const certificatesIn = (text: string): readonly X509Certificate[] =>
  [...text.matchAll(BLOCK)].map(([block]) => {
    try {
      return new X509Certificate(block);
    } catch {
      throw invalid(
        'certificate',
        'a block of it is no X.509 certificate: bring the file as it was issued',
      );
    }
  });

const requireTime = ({ validFrom, validTo }: X509Certificate, nowMs: number): void => {
  if (Date.parse(validTo) <= nowMs)
    throw invalid('certificate', `it expired on ${validTo}: bring a newer one`);
  if (Date.parse(validFrom) > nowMs)
    throw invalid('certificate', `it is valid from ${validFrom} on only: bring it then`);
};

/** Each one has to be signed by the next: servers send them as they are, and clients do not sort. */
const requireOrder = (certificates: readonly X509Certificate[]): void => {
  certificates.forEach((one, i) => {
    const next = certificates[i + 1];
    if (next !== undefined && !(one.checkIssued(next) && one.verify(next.publicKey)))
      throw invalid(
        'certificate',
        `certificate ${i + 1} of it is not signed by certificate ${i + 2}: the certificate comes first, then who signed it, and so on`,
      );
  });
};

/** `DNS:a.example, DNS:"b, DNS:c"`: what has a comma or a quote in it is written as a JSON string. */
const ALTERNATIVE = /(?:^|, )([A-Za-z ]+):("(?:[^"\\]|\\.)*"|[^,"]*)/g;

const namesOf = ({ subjectAltName }: X509Certificate): readonly string[] =>
  [...(subjectAltName ?? '').matchAll(ALTERNATIVE)]
    .flatMap(([, kind, value = '']) => (kind === 'DNS' ? [value.toLowerCase()] : []))
    // In quotes is what is no plain name: nothing that a host could match.
    .filter((name) => !name.startsWith('"'))
    .slice(0, NAMES_MAX);

const privateKeyIn = (text: string): KeyObject => {
  if (/ENCRYPTED/.test(text))
    throw invalid(
      'privateKey',
      'it is encrypted with a passphrase: take it off first (`openssl pkey -in key.pem -out plain.pem`)',
    );
  try {
    return createPrivateKey(text);
  } catch {
    // The cause may quote what was given.
    throw invalid('privateKey', 'it is no private key; expected PEM: -----BEGIN PRIVATE KEY-----');
  }
};

const requireStrength = ({ asymmetricKeyType, asymmetricKeyDetails }: KeyObject): void => {
  const { modulusLength = 0, namedCurve = '' } = asymmetricKeyDetails ?? {};
  const isStrong =
    (asymmetricKeyType === 'rsa' && modulusLength >= RSA_BITS_MIN) ||
    (asymmetricKeyType === 'ec' && CURVES.includes(namedCurve));
  if (!isStrong)
    throw invalid(
      'privateKey',
      `expected RSA of at least ${RSA_BITS_MIN} bits, or EC P-256 or P-384`,
    );
};

/** `C=US\nO=Let's Encrypt\nCN=R3` as a person says it. */
const printableIssuer = (issuer: string): string => {
  const part = (name: string): string | undefined =>
    new RegExp(`^${name}=(.+)$`, 'm').exec(issuer)?.[1];
  const words = [part('O'), part('CN')].filter((word) => word !== undefined);
  return (words.join(' ') || issuer).replaceAll(/[\p{C}]/gu, ' ').slice(0, 200);
};

const invalid = (field: 'certificate' | 'privateKey', message: string): Problem =>
  new Problem('certificate-invalid', `body.${field}: ${message}.`, {
    errors: [{ path: `body.${field}`, message }],
  });
