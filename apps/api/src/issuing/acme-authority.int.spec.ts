import { mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { once } from 'node:events';
import { createServer, type Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { X509Certificate } from 'node:crypto';
import type { AcmeConfig } from '@shiplog/runtime';
import { startPebble, type Pebble, type PebbleOptions } from '@shiplog/secrets/testing';
import { describe, expect, it } from 'vitest';
import { keyStoreOf } from '../keys/key-store-of.js';
import { AcmeAuthority } from './acme-authority.js';
import { describeAuthority } from './authority.contract.js';

/** Pebble, and what a router would do: everything below the path goes to the authority's answers. */
const started = async (
  more: (pebble: Pebble, folder: string) => Promise<Partial<AcmeConfig>>,
  options: Partial<PebbleOptions> = {},
) => {
  const folder = await mkdtemp(join(tmpdir(), 'shiplog-acme-'));
  const authorityOf: { current?: AcmeAuthority } = {};
  const server: Server = createServer((request, response) => {
    const token = request.url?.split('/').at(-1) ?? '';
    authorityOf.current?.answerTo(token).then(
      (text) => response.end(text),
      () => response.destroy(),
    );
  });
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  const httpPort = (server.address() as AddressInfo).port;
  const pebble = await startPebble({ httpPort, ...options });
  const { certificates } = keyStoreOf({ home: folder, masterKeyFile: join(folder, 'master.key') });
  const acme: AcmeConfig = {
    directory: pebble.directory,
    email: 'ops@example.com',
    dnsHook: undefined,
    externalAccount: undefined,
    ...(await more(pebble, folder)),
  };
  const authority = new AcmeAuthority({ acme, certificates, agent: pebble.agent });
  authorityOf.current = authority;
  const stop = async (): Promise<void> => {
    await pebble.stop();
    server.closeAllConnections();
    await new Promise((resolve) => void server.close(resolve));
    await rm(folder, { recursive: true, force: true });
  };
  return { authority, pebble, folder, stop };
};
const nothing = () => Promise.resolve({});

describeAuthority('Pebble', async () => {
  const { authority, pebble, stop } = await started(nothing);
  return { authority, ours: 'ours.example.com', foreign: pebble.blocked, stop };
});

describe('Pebble', () => {
  it('finds no answer where nobody answers: refused, with what it saw', async () => {
    const { authority, stop } = await started(nothing, { httpPort: 1 });
    try {
      const failed = authority.issue({ domain: 'ours.example.com', challenge: 'http-01' });
      await expect(failed).rejects.toMatchObject({ code: 'refused' });
      await expect(failed).rejects.toThrow(/ours\.example\.com|connection refused/i);
    } finally {
      await stop();
    }
  });

  it('issues a wildcard where the hook sets the record, and sees it cleaned up', async () => {
    const { authority, folder, stop } = await started(async ({ names }, home) => {
      const dnsHook = join(home, 'hook.cjs');
      const text = `#!${process.execPath}
const { appendFileSync } = require('node:fs');
const { SHIPLOG_DNS_ACTION: action, SHIPLOG_DNS_RECORD: name, SHIPLOG_DNS_VALUE: value } = process.env;
appendFileSync(${JSON.stringify(join(home, 'hook.log'))}, [process.argv[2], action, name, Object.keys(process.env).filter((one) => one.startsWith('SHIPLOG')).length].join(' ') + '\\n');
const body = JSON.stringify({ host: name + '.', value });
fetch('${names}/' + (action === 'present' ? 'set-txt' : 'clear-txt'), { method: 'POST', body }).then((r) => process.exit(r.ok ? 0 : 1));
`;
      await writeFile(dnsHook, text, { mode: 0o755 });
      return { dnsHook };
    });
    try {
      const { chain } = await authority.issue({
        domain: '*.ours.example.com',
        challenge: 'dns-01',
      });
      expect(new X509Certificate(chain).subjectAltName).toBe('DNS:*.ours.example.com');
      expect((await readFile(join(folder, 'hook.log'), 'utf8')).split('\n')).toEqual([
        'present present _acme-challenge.ours.example.com 4',
        'cleanup cleanup _acme-challenge.ours.example.com 4',
        '',
      ]);
    } finally {
      await stop();
    }
  });

  it('is not asked to look where the hook fails, and what it said is told', async () => {
    const { authority, stop } = await started(async (_pebble, home) => {
      const dnsHook = join(home, 'hook.sh');
      await writeFile(dnsHook, '#!/bin/sh\necho "no credentials" >&2\nexit 3\n', { mode: 0o755 });
      return { dnsHook };
    });
    try {
      const failed = authority.issue({ domain: '*.ours.example.com', challenge: 'dns-01' });
      await expect(failed).rejects.toMatchObject({ code: 'hook-failed' });
      await expect(failed).rejects.toThrow(/ended with 3: no credentials/);
    } finally {
      await stop();
    }
  });

  it('takes an account that is bound to an external one, and no other', async () => {
    const key = Buffer.from('0123456789abcdef0123456789abcdef').toString('base64url');
    const withKey = (keyId: string) => async (_pebble: Pebble, home: string) => {
      const keyFile = join(home, 'eab.key');
      await writeFile(keyFile, `${key}\n`, { mode: 0o600 });
      return { externalAccount: { keyId, keyFile } };
    };
    const order = { domain: 'ours.example.com', challenge: 'http-01' } as const;
    for (const [keyId, isGood] of [
      ['kid-1', true],
      ['kid-2', false],
    ] as const) {
      const { authority, stop } = await started(withKey(keyId), {
        externalAccount: ['kid-1', key],
      });
      try {
        const issued = authority.issue(order).then(
          () => true,
          () => false,
        );
        expect(await issued).toBe(isGood);
      } finally {
        await stop();
      }
    }
  });

  it('does not answer: unreachable, and the account key stays', async () => {
    const { authority, pebble, folder, stop } = await started(nothing);
    try {
      const before = await authority.answerTo('t');
      await pebble.stop();
      const failed = authority.issue({ domain: 'ours.example.com', challenge: 'http-01' });
      await expect(failed).rejects.toMatchObject({ code: 'unreachable' });
      const { directory } = pebble;
      const acme = { directory, email: '', dnsHook: undefined, externalAccount: undefined };
      const { certificates } = keyStoreOf({
        home: folder,
        masterKeyFile: join(folder, 'master.key'),
      });
      expect(await new AcmeAuthority({ acme, certificates }).answerTo('t')).toBe(before);
    } finally {
      await stop();
    }
  });
});
