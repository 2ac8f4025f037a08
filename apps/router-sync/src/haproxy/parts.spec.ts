import { describe, expect, it } from 'vitest';
import { StateParts } from './parts.js';
import type { HaproxyState, ServerSlot } from './state.js';

const slot = (backend: string, server: string): [string, ServerSlot] => {
  const key = `${backend}/${server}`;
  const at = { backendId: 1, serverId: 1, address: '127.0.0.1', port: 9000, weight: 1 };
  return [key, { key, backend, server, state: 'ready', line: key, ...at }];
};

/** What a worker holds of an app at a place: something in every field. */
const stateOf = (
  appId: string,
  backend: string,
  more: Partial<HaproxyState> = {},
): HaproxyState => ({
  hosts: new Map([[`${appId}.localhost`, backend]]),
  uses: new Map([
    [`${appId}.localhost`, { kind: 'redirect', to: 'x.localhost', status: 301 } as never],
  ]),
  owners: new Map([
    [backend, appId],
    [`${backend}/s1`, `${appId}-1`],
  ]),
  matches: new Map([[`^${appId}`, `${backend}=header:x-canary=yes`]]),
  picks: new Map([[`${backend}/0`, 's1']]),
  policies: new Map([[backend, `${backend}-p`]]),
  networks: new Map([[`${backend}-p/deny8:0A`, 'on']]),
  clients: new Map([[`${backend}-p|x`, '1']]),
  sessions: new Map([[`${backend}/abc`, 's1']]),
  notices: new Map([[backend, 'starting']]),
  allowed: new Map([[`${backend}=8:7F`, 'on']]),
  servers: new Map([slot(backend, 's1')]),
  ...more,
});
const both = (a: HaproxyState, b: HaproxyState): HaproxyState =>
  Object.fromEntries(
    Object.keys(a).map((field) => {
      const name = field as keyof HaproxyState;
      return [field, new Map([...a[name], ...b[name]] as [string, never][])];
    }),
  ) as unknown as HaproxyState;

const [one, two] = [stateOf('a1', 'slot0001'), stateOf('a2', 'slot0010')];

describe('what a worker holds, by app', () => {
  it('is all of an app, and nothing of another one', () => {
    const parts = new StateParts(both(one, two));
    expect(parts.backendsOf(['a2'])).toEqual(['slot0010']);
    expect(parts.of(['slot0001'])).toEqual(one);
    expect(parts.of(['slot0010'])).toEqual(two);
    expect(parts.of(['slot0001', 'slot0010'])).toEqual(both(one, two));
  });

  it('is not told where an app has no place, or a port', () => {
    const ported = stateOf('a1', 'slot0001');
    const owners = new Map([...ported.owners, ['tcp32100', 'a1'], ['tcp32100/s1', 'a1-1']]);
    const parts = new StateParts(both({ ...ported, owners }, two));
    expect(parts.backendsOf(['a3'])).toBeUndefined();
    expect(parts.backendsOf(['a2', 'a1'])).toBeUndefined();
    expect(parts.backendsOf(['a2'])).toEqual(['slot0010']);
  });

  it('is replaced whole: what is not there any more is forgotten, of others nothing is', () => {
    const parts = new StateParts(both(one, two));
    const now = stateOf('a1', 'slot0001', { notices: new Map(), matches: new Map() });
    parts.replace(['slot0001'], now);
    expect(parts.of(['slot0001'])).toEqual(now);
    expect(parts.of(['slot0010'])).toEqual(two);
  });
});
