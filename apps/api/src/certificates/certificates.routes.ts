import { httpsPolicy } from '@shiplog/events';
import { z } from 'zod';
import { appParam, changed, time } from '../http/fields.js';
import { defineRoute } from '../http/route.js';

const tag = 'certificates';
const domainParam = {
  domain: z
    .string()
    .max(255)
    .describe('Host, such as www.example.com, or *.example.com for one label before it.'),
};

const certificate = z
  .object({
    domain: z.string().describe('What it is served for.'),
    state: z
      .enum(['served', 'installing', 'unserved', 'ordered', 'failed', 'expired'])
      .describe(
        'served: by all routers. installing: on its way to them. unserved: no router has a port for HTTPS, or an authority gave it and no app answers there any more. ordered: the authority is asked. failed: it refused; tried again at retryAt. expired: served, and over.',
      ),
    source: z
      .enum(['own', 'acme'])
      .nullable()
      .describe('own: somebody brought it. acme: issued and renewed by itself. null: none yet.'),
    names: z.array(z.string()),
    issuer: z.string().nullable(),
    fingerprint: z.string().nullable().describe('SHA-256, in hexadecimal.'),
    notBefore: time.nullable(),
    notAfter: time.nullable(),
    renewAt: time.nullable().describe('When the next one is ordered; null for own ones.'),
    failure: z
      .object({
        attempt: z.number().int().describe('How many failed in a row.'),
        code: z.string(),
        summary: z.string(),
        retryAt: time,
      })
      .nullable(),
  })
  .meta({ id: 'Certificate' });
export type CertificateView = z.infer<typeof certificate>;

export const listCertificates = defineRoute({
  id: 'listCertificates',
  method: 'GET',
  path: '/v1/certificates',
  summary: 'List certificates: names, issuer, expiry, never keys',
  tag,
  access: 'user',
  answer: {
    status: 200,
    description: 'Those for hosts of your apps; for administrators all. By domain.',
    schema: z.array(certificate),
  },
});

export const showCertificate = defineRoute({
  id: 'showCertificate',
  method: 'GET',
  path: '/v1/certificates/{domain}',
  summary: 'Show the certificate of a domain',
  tag,
  access: 'user',
  params: domainParam,
  answer: { status: 200, description: 'The certificate.', schema: certificate },
  refuses: ['certificate-not-found'],
});

export const addCertificate = defineRoute({
  id: 'addCertificate',
  method: 'PUT',
  path: '/v1/certificates/{domain}',
  summary: 'Serve an own certificate for a domain, in the place of the one before',
  tag,
  access: 'user',
  params: domainParam,
  body: z.strictObject({
    certificate: z
      .string()
      .max(100_000)
      .describe('PEM: the certificate, then those that lead to its root.'),
    privateKey: z
      .string()
      .max(20_000)
      .describe('PEM, without passphrase. Stored encrypted; it never comes back.'),
  }),
  answer: {
    status: 200,
    description: 'Routers serve it as soon as they have confirmed.',
    schema: changed.extend(certificate.shape).meta({ id: 'AddedCertificate' }),
  },
  refuses: ['certificate-invalid', 'domain-not-yours', 'key-store-unusable'],
});

export const removeCertificate = defineRoute({
  id: 'removeCertificate',
  method: 'DELETE',
  path: '/v1/certificates/{domain}',
  summary: 'Serve a domain without certificate, and delete its key',
  tag,
  access: 'user',
  params: domainParam,
  answer: { status: 200, description: 'Removed.', schema: changed },
  refuses: ['certificate-not-found', 'domain-not-yours'],
});

const policy = z.object(httpsPolicy.shape).meta({ id: 'HttpsPolicy' });

export const showHttpsPolicy = defineRoute({
  id: 'showHttpsPolicy',
  method: 'GET',
  path: '/v1/apps/{app}/https',
  summary: 'Show how an app deals with HTTPS',
  tag,
  params: appParam,
  answer: { status: 200, description: 'The policy.', schema: policy },
});

export const changeHttpsPolicy = defineRoute({
  id: 'changeHttpsPolicy',
  method: 'PATCH',
  path: '/v1/apps/{app}/https',
  summary: 'Redirect to https, and tell browsers to use nothing else',
  tag,
  params: appParam,
  body: z.strictObject({
    redirect: httpsPolicy.shape.redirect.optional(),
    hstsSeconds: httpsPolicy.shape.hstsSeconds.optional(),
  }),
  answer: {
    status: 200,
    description: 'Counts for hosts of the app that have a certificate.',
    schema: changed.extend(policy.shape).meta({ id: 'ChangedHttpsPolicy' }),
  },
});
