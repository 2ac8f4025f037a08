import { execFile } from 'node:child_process';
import { promisify } from 'node:util';
import { AuthorityError } from './authority.port.js';

const run = promisify(execFile);
/** For each of both calls. It returns when the record can be seen; that takes minutes at some providers. */
export const HOOK_PATIENCE_MS = 10 * 60_000;

export interface DnsRecord {
  /** `_acme-challenge.example.com`. */
  readonly name: string;
  readonly value: string;
  readonly domain: string;
}

/** Runs the program of the operator: one word as argument, the rest by environment, no shell between. */
export const runDnsHook = async (
  program: string,
  action: 'present' | 'cleanup',
  { name, value, domain }: DnsRecord,
): Promise<void> => {
  const { PATH = '', HOME = '' } = process.env;
  const env = {
    ...{ PATH, HOME },
    SHIPLOG_DNS_ACTION: action,
    SHIPLOG_DNS_RECORD: name,
    SHIPLOG_DNS_VALUE: value,
    SHIPLOG_DNS_DOMAIN: domain,
  };
  try {
    await run(program, [action], { env, timeout: HOOK_PATIENCE_MS, maxBuffer: 1024 * 1024 });
  } catch (cause) {
    const { stderr = '', code } = cause as { stderr?: string; code?: unknown };
    const said = stderr.trim().split('\n').at(-1)?.slice(0, 300) ?? '';
    throw new AuthorityError(
      'hook-failed',
      `the DNS hook ${program} ${action} ended with ${String(code)}${said === '' ? '' : `: ${said}`}`,
      { cause },
    );
  }
};
