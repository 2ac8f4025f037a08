import { describe, expect, it } from 'vitest';
import { stateAfter } from './state-after.js';
import {
  parseMap,
  parseServersState,
  parseSessionIds,
  parseSessions,
  parseWorkers,
  STATE_FILE_HEADER,
} from './state.js';

describe('what HAProxy says', () => {
  it('of a map', () => {
    expect([...parseMap('0x7f85 a.localhost slot0001\n0x7f86 b.localhost slot0002\n')]).toEqual([
      ['a.localhost', 'slot0001'],
      ['b.localhost', 'slot0002'],
    ]);
    expect(parseMap('').size).toBe(0);
  });

  it('of servers: ready, draining, out', () => {
    const line = (n: number, admin: number) =>
      `4 slot0001 ${n} s${n} 127.0.0.1 2 ${admin} 1 1 1 15 3 1 6 0 0 0 - ${22_000 + n} - 0 0 - - 0`;
    const text = `${STATE_FILE_HEADER}${line(1, 4)}\n${line(2, 12)}\n${line(3, 5)}\n`;
    expect(parseServersState(text)).toMatchObject([
      { key: 'slot0001/s1', state: 'ready', address: '127.0.0.1', port: 22_001, serverId: 1 },
      { key: 'slot0001/s2', state: 'drain', backendId: 4 },
      { key: 'slot0001/s3', state: 'maint', line: line(3, 5) },
    ]);
  });

  it('of requests queued and under way', () => {
    expect(parseSessions('# pxname,svname,qcur,qmax,scur\nslot0001,s1,1,5,2\n')).toBe(3);
    expect(parseSessions('')).toBe(0);
  });

  it('of its processes', () => {
    const row = (pid: number, type: string, uptime: string) =>
      `${pid}  ${type}  0  ${uptime}  2.6\n`;
    const text =
      '#<PID> <type> <reloads> <uptime> <version>\n' +
      '1  master  7 [failed: 2]  0d00h10m41s  2.6\n' +
      '# workers\n' +
      row(12, 'worker', '1d01h01m02s') +
      '# old workers\n' +
      row(10, 'worker', '2d00h00m00s') +
      row(11, 'worker', '1d02h00m00s') +
      '# programs\n\n';
    expect(parseWorkers(text)).toEqual({
      current: 12,
      old: [10, 11],
      currentSeconds: 90_062,
      failedReloads: 2,
    });
    expect(parseWorkers('')).toEqual({
      current: undefined,
      old: [],
      currentSeconds: 0,
      failedReloads: 0,
    });
  });

  it('of sessions at one server', () => {
    const text =
      '0x5602978fadc0: proto=tcpv4 src=127.0.0.1:49880 fe=apps be=slot0001 srv=s1 ts=00\n' +
      '0x560297a1f440: proto=tcpv4 src=127.0.0.1:49881 fe=apps be=slot0001 srv=s10 ts=00\n';
    expect(parseSessionIds(text, 'slot0001', 's1')).toEqual(['0x5602978fadc0']);
  });
});

describe('what a HAProxy begins with', () => {
  it('has the lines that it would tell of itself after the commands', () => {
    const of = (server: string, state: string): string[] => [
      `add map owners.map slot0001/${server} i-${server}`,
      `set server slot0001/${server} addr 127.0.0.9 port 8080`,
      `set server slot0001/${server} weight 7`,
      `set server slot0001/${server} state ${state}`,
    ];
    const commands = [...of('s1', 'ready'), ...of('s2', 'drain'), ...of('s3', 'maint')];
    const { state, rest } = stateAfter([...commands, 'set maxconn server slot0001/s1 5']) ?? {};
    const slots = [...(state?.servers.values() ?? [])];
    const told = parseServersState(
      STATE_FILE_HEADER + slots.map(({ line }) => `${line}\n`).join(''),
    );
    expect(told).toEqual(slots);
    expect(told.map(({ server, state, weight }) => [server, state, weight])).toEqual([
      ['s1', 'ready', 7],
      ['s2', 'drain', 7],
      ['s3', 'maint', 7],
    ]);
    expect(state?.owners.get('slot0001/s2')).toBe('i-s2');
    expect(rest).toEqual(['set maxconn server slot0001/s1 5']);
  });

  it('is not known where a command is none that a file can hold', () => {
    expect(stateAfter(['shutdown sessions server slot0001/s1'])).toBeUndefined();
    expect(stateAfter(['add map redirects.map a.localhost on'])).toBeUndefined();
  });
});
