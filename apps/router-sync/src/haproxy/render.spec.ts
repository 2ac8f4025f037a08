import { readFile } from 'node:fs/promises';
import * as fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { renderHaproxy, type HaproxyConfig } from './render.js';

const config: HaproxyConfig = {
  platform: 'shiplog',
  bind: '127.0.0.1',
  port: 8080,
  runAs: { uid: 102, gid: 105 },
  directory: '/var/lib/shiplog/router',
  adminSocket: '/run/shiplog-shiplog-0123456789/admin.sock',
  beside: '0123456789abcdef',
  pool: { backends: 2, servers: 3, h2Servers: 2 },
};

describe('the configuration', () => {
  it('is the golden one', async () => {
    const golden = await readFile(new URL('golden/haproxy.cfg', import.meta.url), 'utf8');
    expect(renderHaproxy(config)).toBe(golden);
  });

  it('listens on IPv6 and on a socket of TCP where it is told so', () => {
    const text = renderHaproxy({ ...config, bind: '::1', adminSocket: '0.0.0.0:9999' });
    expect(text).toContain('  bind [::1]:8080\n');
    expect(text).toContain('  stats socket 0.0.0.0:9999 level admin\n');
  });

  it('takes so many clients at once where it is told so', () => {
    expect(renderHaproxy({ ...config, connectionsMax: 9_500 })).toContain('  maxconn 9500\n');
  });

  it('spreads the first checks of very many places over no more than HAProxy can reckon with', () => {
    const places = 12_500 * 8;
    const text = renderHaproxy({ ...config, pool: { backends: 12_500, servers: 8, h2Servers: 0 } });
    const ms = Number(/^ {2}max-spread-checks (\d+)$/m.exec(text)?.[1]);
    expect(ms * places).toBeLessThan(2 ** 31);
    expect((ms + 1) * places).toBeGreaterThanOrEqual(2 ** 31);
  });

  it('looks for instances that are down the seldomer, the more places there are', () => {
    const everyMs = (backends: number): number => {
      const text = renderHaproxy({ ...config, pool: { backends, servers: 8, h2Servers: 0 } });
      return Number(/ downinter (\d+)ms /.exec(text)?.[1]);
    };
    expect([1_024, 10_000, 65_000].map(everyMs)).toEqual([250, 2_000, 5_000]);
  });

  it('has the same lines whatever the data directory is called', () => {
    const words = renderHaproxy(config).split('\n').length;
    fc.assert(
      fc.property(fc.string({ unit: 'grapheme-ascii' }), (name) => {
        const text = renderHaproxy({ ...config, directory: `/home/${name}` });
        expect(text.split('\n')).toHaveLength(words);
        const line = text.split('\n').find((l) => l.includes('server-state-file')) ?? '';
        expect(line).toMatch(/^ {2}server-state-file "(?:[^"\\$]|\\["\\$])*"$/);
      }),
    );
  });

  it('has so many more lines as ports are served, whatever their numbers, and the same lines before', () => {
    const without = renderHaproxy(config);
    const portNumber = fc.integer({ min: 1, max: 65_535 });
    fc.assert(
      fc.property(fc.uniqueArray(portNumber, { minLength: 1 }), (ports) => {
        const text = renderHaproxy({ ...config, pool: { ...config.pool, ports } });
        expect(text.startsWith(without.trimEnd())).toBe(true);
        const more = text.slice(without.length).trim().split('\n\n');
        expect(more).toHaveLength(1 + ports.length);
        for (const [i, port] of ports.entries())
          expect(more[i + 1]?.split('\n')).toEqual([
            `listen tcp${port}`,
            `  bind 127.0.0.1:${port}`,
            expect.stringMatching(
              /^ {2}server-template s 1-3 \S+ init-addr last,127\.0\.0\.1 disabled$/,
            ),
          ]);
      }),
    );
  });

  it.each([
    ['a newline in the directory', { directory: '/home/a\nuser root' }],
    ['a space in the address', { bind: '127.0.0.1 ssl' }],
    ['a quote in the socket', { adminSocket: '/run/"x' }],
    ['another word as platform', { platform: 'a b' }],
    ['a port that is no number', { port: Number.NaN }],
    ['a port of an app that is none', { pool: { ...config.pool, ports: [32_100.5] } }],
    ['a space in the list of certificates', { tls: { port: 443, list: '/run/a b' } }],
    ['another word as its own host', { platformHost: { domain: 'a b', apiPort: 4600 } }],
  ])('is not made with %s', (_, wrong) => {
    expect(() => renderHaproxy({ ...config, ...wrong })).toThrow('haproxy.cfg');
  });
});
