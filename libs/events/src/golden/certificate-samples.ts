const appId = '01936f3e-8d1a-7c52-9f00-a1b2c3d4e5f6';
const orderId = '01936f3e-8d1a-7c52-9f00-0000000000c1';
const domain = 'shop.example.com';
const fingerprint = '0f'.repeat(32);

/** Of certificates and HTTPS. */
export const certificateSamples = {
  CertificateInstalled: {
    domain,
    certificate: {
      fingerprint,
      names: [domain, 'www.shop.example.com'],
      issuer: 'Example CA',
      notBefore: '2026-11-21T10:00:00.000Z',
      notAfter: '2027-02-19T10:00:00.000Z',
      source: 'acme' as const,
    },
  },
  CertificateRemoved: { domain, fingerprint },
  CertificateOrdered: {
    domain,
    orderId,
    directory: 'https://acme.example.com/directory',
    challenge: 'http-01' as const,
    attempt: 2,
    until: '2026-11-21T10:05:00.000Z',
  },
  CertificateFailed: {
    domain,
    orderId,
    attempt: 2,
    code: 'dns',
    summary: 'no address was found for shop.example.com',
    retryAt: '2026-11-21T12:00:00.000Z',
  },
  HttpsPolicyChanged: { appId, redirect: true, hstsSeconds: 31_536_000 },
  CertificatesApplied: {
    routerId: 'router-node-1',
    installed: { [domain]: fingerprint },
    removed: ['old.example.com'],
  },
};
