import { z } from 'zod';
import { defineEvent } from './event.js';
import { HOST_PATTERN, id } from './ids.js';

/** A host, or `*.` and a host, which stands for one label before it. */
export const CERTIFICATE_DOMAIN_PATTERN = new RegExp(
  String.raw`^(?:\*\.)?${HOST_PATTERN.source.slice(1)}`,
);

/** What a certificate is for. */
export const certificateDomain = z
  .string()
  .regex(
    CERTIFICATE_DOMAIN_PATTERN,
    'a lower-case host name such as www.example.com, or *.example.com',
  );

/** SHA-256 of the certificate itself (not of its chain), in hexadecimal. */
export const certificateFingerprint = z.string().regex(/^[0-9a-f]{64}$/);

/** What may be told of a certificate. Its private key is in the key store and nowhere else. */
export const certificateFacts = z.strictObject({
  fingerprint: certificateFingerprint,
  /** Hosts that it speaks for. */
  names: z.array(z.string().max(255)).max(100),
  issuer: z.string().max(1000),
  notBefore: z.iso.datetime(),
  notAfter: z.iso.datetime(),
  /** `own`: somebody brought it. `acme`: an authority gave it to us, and we renew it. */
  source: z.enum(['own', 'acme']),
});
export type CertificateFacts = z.infer<typeof certificateFacts>;

export const acmeChallenge = z.enum(['http-01', 'dns-01']);
export type AcmeChallenge = z.infer<typeof acmeChallenge>;

const domain = certificateDomain;

/** One stream per domain that ever had a certificate, its id the SHA-256 of the domain. */
export const certificateEvent = z.discriminatedUnion('type', [
  /** From here on routers serve it for this domain, in the place of the one before. */
  defineEvent('CertificateInstalled', 1, { domain, certificate: certificateFacts }),
  defineEvent('CertificateRemoved', 1, { domain, fingerprint: certificateFingerprint }),
  /** Whoever appended it asks the authority; nobody else does before `until`. */
  defineEvent('CertificateOrdered', 1, {
    domain,
    /** Of this order alone. */
    orderId: id,
    /** Address of the ACME directory that is asked. */
    directory: z.url().max(500),
    challenge: acmeChallenge,
    /** 1 for the first one since a certificate was installed. */
    attempt: z.number().int().positive(),
    until: z.iso.datetime(),
  }),
  defineEvent('CertificateFailed', 1, {
    domain,
    orderId: id,
    /** How many failed in a row. */
    attempt: z.number().int().positive(),
    /** Stable word for programs: an ACME problem (`rateLimited`, `dns`, `unauthorized`, …), `hook`, `unreachable`. */
    code: z.string().max(64),
    summary: z.string().max(2000),
    /** Not tried again before. */
    retryAt: z.iso.datetime(),
  }),
]);
export type CertificateEvent = z.infer<typeof certificateEvent>;

/** How the hosts of one app deal with HTTPS, where they have a certificate. */
export const httpsPolicy = z.strictObject({
  /** Requests over plain HTTP are sent on to https://. */
  redirect: z.boolean(),
  /** Seconds for which browsers are to use nothing else (Strict-Transport-Security); null: they are not told. */
  hstsSeconds: z.number().int().min(0).max(63_072_000).nullable(),
});
export type HttpsPolicy = z.infer<typeof httpsPolicy>;

/** One stream per app, its id that of the app. */
export const httpsEvent = z.discriminatedUnion('type', [
  defineEvent('HttpsPolicyChanged', 1, { appId: id, ...httpsPolicy.shape }),
]);
export type HttpsEvent = z.infer<typeof httpsEvent>;

/** Of a router: certificates that were read back from it. */
export const certificatesApplied = defineEvent('CertificatesApplied', 1, {
  routerId: id,
  /** Fingerprint by domain: served from now on, in the place of what was served before. */
  installed: z.record(z.string().max(255), certificateFingerprint),
  removed: z.array(z.string().max(255)),
});
