import { rm, stat } from 'node:fs/promises';
import { selfSigned } from '@shiplog/secrets/self-signed';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { sha1Of } from './in-memory-terminator.js';
import type { Terminator } from './terminator.port.js';

export interface TestTerminator {
  readonly terminator: Terminator;
  /** SHA-1 of the certificate that a client gets for a host; undefined where the handshake fails. */
  readonly handshake: (host: string) => Promise<string | undefined>;
  /** Starts it anew without anybody's help, as after a crash. */
  readonly restart: () => Promise<void>;
  readonly stop: () => Promise<void>;
}

export interface FiledTerminator extends TestTerminator {
  /** The file of a certificate, for the next start. */
  readonly fileOf: (domain: string) => string;
}

const pemFor = async (name: string): Promise<string> => {
  const { chain, privateKey } = await selfSigned({
    names: [name],
    notBefore: new Date(Date.now() - 86_400_000),
    notAfter: new Date(Date.now() + 86_400_000),
  });
  return chain + privateKey;
};

/** What every terminator must do. */
export const describeTerminator = (name: string, start: () => Promise<TestTerminator>): void => {
  describe(`${name} as a terminator`, () => {
    let test: TestTerminator;
    beforeAll(async () => (test = await start()));
    afterAll(() => test.stop());
    const install = async (domain: string): Promise<string> => {
      const pem = await pemFor(domain);
      await test.terminator.apply([{ kind: 'install', certificate: { domain, pem } }]);
      return sha1Of(pem);
    };
    const certificates = async () => (await test.terminator.observe()).certificates;

    it('has nothing at first, and fails handshakes', async () => {
      expect((await certificates()).size).toBe(0);
      expect(await test.handshake('a.example.com')).toBeUndefined();
    });

    it('serves a certificate for its host and for no other', async () => {
      const sha1 = await install('a.example.com');
      expect(await certificates()).toEqual(new Map([['a.example.com', sha1]]));
      expect(await test.handshake('a.example.com')).toBe(sha1);
      expect(await test.handshake('b.example.com')).toBeUndefined();
    });

    it('replaces it, and takes the same one again', async () => {
      await install('a.example.com');
      const pem = await pemFor('a.example.com');
      const action = { kind: 'install', certificate: { domain: 'a.example.com', pem } } as const;
      await test.terminator.apply([action]);
      await test.terminator.apply([action]);
      expect((await certificates()).get('a.example.com')).toBe(sha1Of(pem));
      expect(await test.handshake('a.example.com')).toBe(sha1Of(pem));
    });

    it('serves a wildcard where no certificate names the host itself', async () => {
      const [wildcard, exact] = [
        await install('*.wild.example.com'),
        await install('b.wild.example.com'),
      ];
      expect(await test.handshake('a.wild.example.com')).toBe(wildcard);
      expect(await test.handshake('b.wild.example.com')).toBe(exact);
      expect(await test.handshake('a.b.wild.example.com')).toBeUndefined();
    });

    it('holds policies of hosts', async () => {
      await test.terminator.apply([
        { kind: 'redirect', host: 'a.example.com', isOn: true },
        { kind: 'redirect', host: 'a.example.com', isOn: true },
        { kind: 'hsts', host: 'a.example.com', seconds: 60 },
        { kind: 'hsts', host: 'a.example.com', seconds: 90 },
        { kind: 'redirect', host: 'b.example.com', isOn: true },
        { kind: 'redirect', host: 'b.example.com', isOn: false },
        { kind: 'hsts', host: 'b.example.com', seconds: null },
        { kind: 'redirect', host: '*.wild.example.com', isOn: true },
        { kind: 'hsts', host: '*.wild.example.com', seconds: 30 },
      ]);
      const { redirects, hsts } = await test.terminator.observe();
      expect([...redirects].toSorted()).toEqual(['*.wild.example.com', 'a.example.com']);
      expect(Object.fromEntries(hsts)).toEqual({ 'a.example.com': 90, '*.wild.example.com': 30 });
    });

    it('is back with all of it after a restart', async () => {
      const before = await test.terminator.observe();
      await test.restart();
      expect(await test.terminator.observe()).toEqual(before);
      expect(await test.handshake('a.example.com')).toBe(before.certificates.get('a.example.com'));
    });

    it('takes a certificate out, and one that is not there', async () => {
      await test.terminator.apply([
        { kind: 'uninstall', domain: 'a.example.com' },
        { kind: 'uninstall', domain: 'a.example.com' },
      ]);
      expect((await certificates()).has('a.example.com')).toBe(false);
      expect(await test.handshake('a.example.com')).toBeUndefined();
      const again = await install('a.example.com');
      expect(await test.handshake('a.example.com')).toBe(again);
    });
  });
};

/** What every terminator of a proxy must do that reads files when it starts. */
export const describeTlsFiles = (name: string, start: () => Promise<FiledTerminator>): void => {
  describe(`${name} and the files of its certificates`, () => {
    let test: FiledTerminator;
    beforeAll(async () => (test = await start()));
    afterAll(() => test.stop());
    const install = async (domain: string): Promise<void> => {
      const certificate = { domain, pem: await pemFor(domain) };
      await test.terminator.apply([{ kind: 'install', certificate }]);
    };
    const certificates = async () => (await test.terminator.observe()).certificates;

    it('has a certificate installed again whose file is gone, and goes on meanwhile', async () => {
      const { fileOf, terminator } = test;
      await install('a.example.com');
      const pem = await pemFor('a.example.com');
      const action = { kind: 'install', certificate: { domain: 'a.example.com', pem } } as const;
      await rm(fileOf('a.example.com'));
      expect((await certificates()).has('a.example.com')).toBe(false);
      await install('other.example.com');
      expect(await test.handshake('a.example.com')).toBeDefined();
      await terminator.apply([action]);
      expect((await certificates()).get('a.example.com')).toBe(sha1Of(pem));
      await rm(fileOf('a.example.com'));
      await terminator.apply([{ kind: 'uninstall', domain: 'a.example.com' }]);
      expect(await test.handshake('a.example.com')).toBeUndefined();
    });

    it('writes the files of those that change, and of no others', async () => {
      const { fileOf } = test;
      await install('same.example.com');
      const file = async () => (await stat(fileOf('same.example.com'))).ino;
      const before = await file();
      await install('other.example.com');
      expect(await file()).toBe(before);
      await install('same.example.com');
      expect(await file()).not.toBe(before);
    });
  });
};
