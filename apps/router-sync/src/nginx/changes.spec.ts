import { describe, expect, it } from 'vitest';
import { translate } from './changes.js';
import { parseAnswer, tableOf, tableText } from './table.js';
import type { RouteAction } from '../routes/router.port.js';

const serve = (instanceId: string, appId: string, host = '127.0.0.1'): RouteAction => ({
  kind: 'serve',
  endpoint: { instanceId, appId, host, port: 9001, weight: 1 },
});
const linesOf = (text: string): string[] => text.trimEnd().split('\n');
const NO_ROUTES = tableOf([]);
const two = () => tableOf(LINES_OF_TWO);
const LINES_OF_TWO = [
  'app a 2',
  'i1 127.0.0.1 9001 1 serving',
  'i2 [::1] 9002 256 draining',
  'app b 0',
  'host a.localhost a',
];
const TWO = two();

describe('changes of the routes of nginx', () => {
  it('are one line of an app with all its instances, before the host that leads there', () => {
    expect(
      translate(NO_ROUTES, [
        serve('i1', 'a'),
        serve('i2', 'a', '::1'),
        { kind: 'bind-host', host: 'a.localhost', appId: 'a' },
        { kind: 'bind-host', host: 'b.localhost', appId: 'b' },
      ]),
    ).toEqual([
      'app a 2\ni1 127.0.0.1 9001 1 serving\ni2 [::1] 9001 1 serving',
      'host a.localhost a',
      'app b 0',
      'host b.localhost b',
    ]);
  });

  it('take out, cut and forget what is there, and nothing else', () => {
    expect(
      translate(TWO, [
        { kind: 'drain', instanceId: 'i1' },
        { kind: 'cut', instanceId: 'i2' },
        { kind: 'release', instanceId: 'i2' },
        { kind: 'unbind-host', host: 'a.localhost' },
        { kind: 'release-pool', appId: 'b' },
        { kind: 'drain', instanceId: 'nobody' },
        { kind: 'unbind-host', host: 'nobody.localhost' },
      ]),
    ).toEqual([
      'app a 2\ni1 127.0.0.1 9001 1 draining\ni2 [::1] 9002 256 draining',
      'cut i2 [::1] 9002',
      'app a 1\ni1 127.0.0.1 9001 1 draining',
      'forget i2',
      'nohost a.localhost',
      'noapp b',
    ]);
  });

  it('are none of an instance that nginx cannot speak with', () => {
    const endpoint = { instanceId: 'i1', appId: 'a', host: '127.0.0.1', port: 9001, weight: 1 };
    expect(() =>
      translate(NO_ROUTES, [{ kind: 'serve', endpoint: { ...endpoint, protocol: 'h2c' } }]),
    ).toThrow('set protocol=http, or run the platform with SHIPLOG_ROUTER=haproxy');
  });

  it('bring the same table from its text', () => {
    expect(tableOf(linesOf(tableText(TWO)))).toEqual(TWO);
  });

  it('change a table as nginx does: a file of changes is as good as the table', () => {
    const actions: RouteAction[] = [
      { kind: 'drain', instanceId: 'i1' },
      { kind: 'release', instanceId: 'i2' },
      { kind: 'unbind-host', host: 'a.localhost' },
      { kind: 'release-pool', appId: 'b' },
      serve('i3', 'c'),
    ];
    const told = translate(TWO, actions).filter((line) => !line.startsWith('forget'));
    const after = two();
    after.change(linesOf(told.join('\n')));
    expect([...after.appOf]).toEqual([
      ['i1', 'a'],
      ['i3', 'c'],
    ]);
    expect([...after.apps.keys(), after.hosts.size]).toEqual(['a', 'c', 0]);
    expect(after.apps.get('a')?.get('i1')?.state).toBe('draining');
  });

  it('add up what workers have under way', () => {
    const text = 'shiplog p f e.7 1\nworker 11 f\nworker 12 g\nactive i1 2\nactive i1 3';
    const { sessions, workers, generation, lines } = parseAnswer(text);
    expect([sessions.get('i1'), [...workers], generation, lines]).toEqual([
      5,
      [
        [11, 'f'],
        [12, 'g'],
      ],
      'e.7',
      undefined,
    ]);
  });

  it.each([
    serve('i\n1', 'a'),
    serve('i1', 'a b'),
    serve('i1', 'a', '127.0.0.1\nhost x.y z'),
    serve('i1', 'a', 'localhost'),
    serve('i1', 'a', 'fe80::1%eth0'),
    { kind: 'bind-host', host: 'a.localhost\nnohost b.localhost', appId: 'a' },
    { kind: 'bind-host', host: '*.localhost', appId: 'a' },
  ] satisfies RouteAction[])('are refused whole: %j', (action) => {
    expect(() => translate(TWO, [serve('i3', 'b'), action])).toThrow(/ is no /);
  });
});
