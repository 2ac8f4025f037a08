import { readdirSync, readFileSync } from 'node:fs';
import { describe, expect, it } from 'vitest';
import { renderNginx, type NginxConfig } from './render.js';

const CONFIG: NginxConfig = {
  platform: 'shiplog',
  bind: '127.0.0.1',
  port: 8080,
  runAs: { user: 'www-data', group: 'www-data' },
  directory: '/var/lib/shiplog/router',
  adminSocket: '/run/shiplog-shiplog-0123456789/nginx.sock',
  modules: '/usr/lib/nginx/modules',
  luaLibraries: '/usr/share/lua/5.1',
  fingerprint: '0123456789abcdef',
};

describe('the configuration of nginx', () => {
  it('is the golden one', () => {
    const golden = new URL('golden/nginx.conf', import.meta.url);
    expect(renderNginx(CONFIG)).toBe(readFileSync(golden, 'utf8'));
  });

  it('leaves no module of its code unused', () => {
    const folder = new URL('../../nginx/', import.meta.url);
    const names = readdirSync(folder).map((name) => name.replace(/\.lua$/, ''));
    const texts = names.map((name) => readFileSync(new URL(`${name}.lua`, folder), 'utf8'));
    const required = [...texts, renderNginx(CONFIG)].flatMap((text) =>
      [...text.matchAll(/require[ (]+"(shiplog\w*)"/g)].map(([, name]) => name),
    );
    expect(new Set(required)).toEqual(new Set(names));
  });

  it('listens on IPv6, on names and everywhere', () => {
    const listens = (bind: string) =>
      /listen (\S+) default/.exec(renderNginx({ ...CONFIG, bind }))?.[1];
    expect(listens('::1')).toBe('[::1]:8080');
    expect(listens('localhost')).toBe('localhost:8080');
    expect(listens('*')).toBe('0.0.0.0:8080');
  });

  it('takes quotes and backslashes in a path for what they are', () => {
    expect(renderNginx({ ...CONFIG, directory: '/a "b\\{}' })).toContain(
      'pid "/a \\"b\\\\{}/nginx.pid";',
    );
  });

  it.each([
    ['platform', 'a"b'],
    ['bind', '1; include /etc/passwd'],
    ['directory', '/a$b'],
    ['directory', '/a\nb'],
    ['adminSocket', '/run/a b'],
    ['fingerprint', '"x'],
    ['port', 80.5],
    ['runAs', { user: 'a b', group: 'c' }],
    ['platformHost', { domain: 'a;b', apiPort: 1 }],
    ['platformHost', { domain: 'a.b', apiPort: 1.5 }],
    ['tls', { port: 443.5, list: '/a' }],
    ['tls', { port: 443, list: '/a$b' }],
  ])('is not made with %s %j', (key, value) => {
    expect(() => renderNginx({ ...CONFIG, [key]: value })).toThrow(/nginx\.conf/);
  });
});
