import { isIP } from 'node:net';
import { z } from 'zod';

/** Who may have which domain. */
export const domainEnvironment = {
  SHIPLOG_DOMAIN_CHECKS: z
    .enum(['auto', 'on', 'off'])
    .default('auto')
    .describe(
      'Must a team prove by a DNS record that a domain is theirs? `auto`: on, unless SHIPLOG_DOMAIN is a name that only this machine or network knows (localhost, or one that ends with .localhost, .test, .example, .invalid, .internal, .local).',
    ),
  SHIPLOG_DOMAIN_LAPSE_DAYS: z.coerce
    .number()
    .int()
    .min(1)
    .max(365)
    .default(7)
    .describe('A domain that was not proven within so many days is given up.'),
  SHIPLOG_DNS_SERVER: z
    .string()
    .refine(isServer, 'a numeric address with or without a port, as in 192.0.2.53 or [::1]:5353')
    .optional()
    .describe('DNS server that is asked for these records. Default: those of the machine.'),
};

function isServer(text: string): boolean {
  const [, six, four, port] = /^(?:\[([0-9a-f:.]+)\]|([0-9.]+))(?::(\d{1,5}))?$/i.exec(text) ?? [];
  if (isIP(text) !== 0) return true;
  const isAddress = isIP(six ?? '') === 6 || isIP(four ?? '') === 4;
  return isAddress && (port === undefined || (Number(port) > 0 && Number(port) < 65_536));
}

export interface DomainChecks {
  readonly areDemanded: boolean;
  readonly lapseDays: number;
  /** Absent: as the machine does it. */
  readonly dnsServer?: string;
}

export interface DomainPlace {
  /** Apps answer at <app>.<domain>. */
  readonly domain: string;
  readonly domainChecks: DomainChecks;
}

interface DomainSettings {
  readonly SHIPLOG_DOMAIN: string;
  readonly SHIPLOG_DOMAIN_CHECKS: 'auto' | 'on' | 'off';
  readonly SHIPLOG_DOMAIN_LAPSE_DAYS: number;
  readonly SHIPLOG_DNS_SERVER?: string | undefined;
}

export const domainChecksOf = (e: DomainSettings): DomainChecks => ({
  areDemanded:
    e.SHIPLOG_DOMAIN_CHECKS === 'auto'
      ? !KNOWN_HERE.test(e.SHIPLOG_DOMAIN)
      : e.SHIPLOG_DOMAIN_CHECKS === 'on',
  lapseDays: e.SHIPLOG_DOMAIN_LAPSE_DAYS,
  ...(e.SHIPLOG_DNS_SERVER === undefined ? {} : { dnsServer: e.SHIPLOG_DNS_SERVER }),
});

/** Names that are in no public DNS (RFC 2606, 6761, 6762), `internal` as ICANN keeps it free. */
const KNOWN_HERE = /(?:^|\.)(?:localhost|test|example|invalid|internal|local)$/;
