import * as fc from 'fast-check';
import { beforeEach, describe, expect, it } from 'vitest';
import { routesOfApps } from '../routes/routes-of-apps.js';
import { allRoutes, routesOf, type Seen } from './actual-routes.js';
import { RoutesTable, tableOf, tableText } from './table.js';

const APPS = ['a', 'b', 'c'];
const one = fc.constantFrom(...APPS);
const host = fc.constantFrom('x.localhost', 'y.localhost', '*.z.localhost', 'x.localhost/api');

/** A change as nginx tells it: that of an app has the lines of its instances. */
const change: fc.Arbitrary<readonly string[]> = fc.oneof(
  fc
    .tuple(host, one, fc.constantFrom('', ' strip', ' 308:w.localhost'))
    .map(([name, appId, use]) => [`host ${name} ${appId}${use}`]),
  host.map((name) => [`nohost ${name}`]),
  fc
    .tuple(one, fc.subarray([1, 2, 3]), fc.constantFrom('serving', 'draining', 'out'))
    .map(([appId, ns, state]) => [
      `app ${appId} ${ns.length}`,
      ...ns.map((n) => `${appId}${n} 127.0.0.1 900${n} ${n} ${state}`),
    ]),
  fc
    .tuple(
      one,
      fc.constantFrom(
        (appId: string) => `match ${appId} header:x-canary=yes ${appId}1,${appId}2`,
        (appId: string) => `policy ${appId} 0f body=10&deny=8:0A`,
        (appId: string) => `policy ${appId} 1e body=20`,
        (appId: string) => `notice ${appId} starting`,
        (appId: string) => `notice ${appId} maintenance PGgxPg== 8:7F,32:01`,
        ...['noapp', 'nomatch', 'nopolicy', 'nonotice'].map((verb) => (appId: string) => {
          return `${verb} ${appId}`;
        }),
      ),
    )
    .map(([appId, line]) => [line(appId)]),
);
const changes = fc.array(change, { minLength: 1, maxLength: 60 });

const textOf = (table: RoutesTable): readonly string[] =>
  tableText(table)
    .split('\n')
    .filter((line) => line !== '');

describe('the routes of nginx, as they change', () => {
  let table: RoutesTable;
  beforeEach(() => {
    table = new RoutesTable();
  });
  const seen = (): Seen => ({
    table,
    sessions: new Map([['a1', 2]]),
    earlier: { mayBegin: false, sessions: 1 },
  });

  it('are after any changes what their own text says, whatever is looked up by', () => {
    fc.assert(
      fc.property(changes, (all) => {
        table = new RoutesTable();
        for (const lines of all) table.change(lines);
        expect(table).toEqual(tableOf(textOf(table)));
        const byApp = [...table.hostsOf].flatMap(([appId, own]) =>
          [...own].map((name) => [name, appId] as const),
        );
        expect(new Map(byApp)).toEqual(table.hosts);
        expect(byApp).toHaveLength(table.hosts.size);
        expect([...table.uses.keys()].filter((name) => !table.hosts.has(name))).toEqual([]);
      }),
    );
  });

  it('are all there, of some apps what they are of all of them, and nobody sees them change who looked before', () => {
    fc.assert(
      fc.property(changes, changes, fc.subarray(APPS), (first, second, some) => {
        table = new RoutesTable();
        table.change(first.flat());
        const [before, appIds] = [allRoutes(seen()), new Set(some)];
        const copy = structuredClone(before);
        const bound = new Set(table.hosts.values());
        const empty = [...table.apps].filter(([id, own]) => own.size === 0 && !bound.has(id));
        expect([before.hosts, before.uses]).toEqual([table.hosts, table.uses]);
        expect(new Set(before.endpoints.keys())).toEqual(new Set(table.appOf.keys()));
        expect(new Set(before.emptyPools.keys())).toEqual(new Set(empty.map(([id]) => id)));
        expect(routesOf(appIds, seen())).toEqual(
          routesOfApps(routesOf(new Set(APPS), seen()), appIds),
        );
        table.change(second.flat());
        expect(before).toEqual(copy);
      }),
    );
  });

  it('have a host once: its app before does not have it any more, nor what was done there', () => {
    table.change(['app a 0', 'app b 0', 'host x.localhost a strip', 'host x.localhost b']);
    const { hosts, uses, emptyPools } = allRoutes(seen());
    expect([[...hosts], uses.size, [...emptyPools]]).toEqual([
      [['x.localhost', 'b']],
      0,
      [['a', 0]],
    ]);
  });

  it('show the hosts of an app that has no place any more', () => {
    table.change(['app a 1', 'a1 127.0.0.1 9001 1 draining', 'host x.localhost a']);
    expect(allRoutes(seen()).endpoints.get('a1')).toMatchObject({ state: 'draining', sessions: 3 });
    table.change(['policy a 0f body=10', 'noapp a']);
    const { hosts, endpoints, policies } = allRoutes(seen());
    expect([[...hosts], endpoints.size, policies.size, table.appOf.size]).toEqual([
      [['x.localhost', 'a']],
      0,
      0,
      0,
    ]);
  });
});
