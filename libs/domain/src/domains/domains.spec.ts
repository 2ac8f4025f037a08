import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { parseDomain, type DomainUse } from '@shiplog/events';
import { domainCandidates } from './candidates.js';
import { domainTable, redirectLoop } from './loops.js';

describe('the grammar of domains', () => {
  it.each([
    ['www.example.com', 'www.example.com', false, ''],
    ['*.example.com', 'example.com', true, ''],
    ['example.com/api', 'example.com', false, '/api'],
    ['*.example.com/api/v2.1', 'example.com', true, '/api/v2.1'],
    ['xn--bcher-kva.example', 'xn--bcher-kva.example', false, ''],
  ])('takes %s', (text, base, isWildcard, path) => {
    expect(parseDomain(text)).toEqual({ base, isWildcard, path });
  });

  it.each([
    ...['', 'com', '*', '*.', '*.com', '*.*.example.com', 'a*.example.com', 'a.*.example.com'],
    ...['Example.com', 'example.com.', 'example.com:80', '.example.com', 'example..com'],
    ...['example.com/', 'example.com//a', 'example.com/a/', 'example.com/..', 'example.com/./a'],
    ...['example.com/.a', 'example.com/a b', 'example.com/%61', 'example.com/a?b', 'example.com/ä'],
    ...['example.com\n', 'example.com/a\n', '"example.com"', 'example.com/a;b', 'bücher.example'],
    ...[`example.com/${'a/'.repeat(8)}a`, `example.com/${'a'.repeat(128)}`],
    ...[`*.${'a.'.repeat(8)}com`, `${'a'.repeat(64)}.com`, `${'a.'.repeat(130)}com`],
  ])('refuses %j', (text) => {
    expect(parseDomain(text)).toBeUndefined();
  });
});

describe('which domain a request comes by', () => {
  it('is asked from the nearest to the farthest', () => {
    expect(domainCandidates('a.b.example.com', '/api/v2')).toEqual([
      ...['a.b.example.com/api/v2', 'a.b.example.com/api', 'a.b.example.com'],
      ...['*.b.example.com/api/v2', '*.b.example.com/api', '*.b.example.com'],
      ...['*.example.com/api/v2', '*.example.com/api', '*.example.com'],
    ]);
    expect(domainCandidates('example.com', '/')).toEqual(['example.com']);
  });

  it('never takes more questions than a host has labels and a path has parts', () => {
    const long = domainCandidates(`${'a.'.repeat(120)}com`, '/x'.repeat(1000));
    expect(long.length).toBeLessThanOrEqual(8 * 9);
  });
});

describe('redirects', () => {
  const to = (host: string): DomainUse => ({ kind: 'redirect', to: host, status: 308 });
  const serve: DomainUse = { kind: 'serve', strip: false };
  const loop = (domain: string, uses: Readonly<Record<string, DomainUse>>) =>
    redirectLoop(domain, domainTable(new Map(Object.entries(uses))));

  it('may lead elsewhere, also over several hosts', () => {
    const uses = {
      'a.example': to('b.example'),
      'b.example': to('c.example'),
      'c.example': serve,
      '*.wild.example': to('www.wild.example'),
      'www.wild.example': serve,
      'x.example/old': to('y.example'),
      'y.example': to('x.example'),
      'x.example': serve,
    };
    for (const domain of ['a.example', 'b.example', '*.wild.example', 'y.example'].slice(0, 3)) {
      expect(loop(domain, uses)).toBeUndefined();
    }
    expect(loop('a.example', { 'a.example': to('elsewhere.net') })).toBeUndefined();
  });

  it.each<[string, Readonly<Record<string, DomainUse>>, readonly string[]]>([
    ['a.example', { 'a.example': to('a.example') }, ['a.example', 'a.example']],
    [
      'a.example',
      { 'a.example': to('b.example'), 'b.example': to('a.example') },
      ['a.example', 'b.example', 'a.example'],
    ],
    [
      '*.wild.example',
      { '*.wild.example': to('www.wild.example') },
      ['*.wild.example', '*.wild.example'],
    ],
    [
      'a.example',
      { 'a.example': to('b.example'), 'b.example': serve, 'b.example/api': to('a.example') },
      ['a.example', 'b.example/api', 'a.example'],
    ],
    [
      'a.example/api',
      { 'a.example/api': to('b.example'), 'b.example': to('a.example') },
      ['a.example/api', 'b.example', 'a.example/api'],
    ],
  ])('of %s lead in a circle with %j', (domain, uses, way) => {
    expect(loop(domain, uses)).toEqual(way);
  });

  it('are no circle where something nearer answers', () => {
    const uses = {
      'a.example/api': to('b.example'),
      'b.example': to('a.example'),
      'b.example/api': serve,
    };
    expect(loop('a.example/api', uses)).toBeUndefined();
  });

  it('end after few steps, whatever the table', () => {
    const hosts = ['a.example', 'b.example', 'c.example', 'd.a.example'];
    const domain = fc.constantFrom(
      ...hosts,
      ...hosts.map((host) => `*.${host}`),
      ...hosts.flatMap((host) => [`${host}/x`, `${host}/x/y`, `${host}/z`]),
    );
    const use = fc.oneof(fc.constant(serve), fc.constantFrom(...hosts).map(to));
    fc.assert(
      fc.property(fc.array(fc.tuple(domain, use), { maxLength: 20 }), domain, (pairs, start) => {
        const uses = new Map(pairs);
        const way = redirectLoop(start, domainTable(uses));
        if (way === undefined) return true;
        // What it claims to be a circle is one, of redirects only.
        const inside = way.slice(0, -1);
        return way[0] === way.at(-1) && inside.every((one) => uses.get(one)?.kind === 'redirect');
      }),
    );
  });
});
