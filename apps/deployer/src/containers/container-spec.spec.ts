import { describe, expect, it } from 'vitest';
import { DEFAULT_SETTINGS, deciders, type ActiveApp, type Release } from '@shiplog/domain';
import type { Image } from '@shiplog/events';
import { containerPortOf, instanceSpec, runSpec } from './container-spec.js';
import { toCreateOptions } from './docker-translate.js';

const image: Image = {
  id: `sha256:${'a'.repeat(64)}`,
  ref: 'x',
  sizeBytes: 1,
  exposedPorts: [],
  repoDigest: null,
};
const created = deciders.app.evolve(deciders.app.initialState, {
  type: 'AppCreated',
  v: 1,
  data: { appId: 'a1', name: 'hello', teamId: 't1' },
}) as ActiveApp;
const release: Release = {
  version: 7,
  generation: 9,
  image,
  buildId: 'b1',
  processes: { web: { command: ['node', 'server.js'] }, worker: { command: null } },
  config: {},
  rollbackOf: null,
};
const platform = { platform: 'p1', domain: 'localhost', nodeId: 'n1' };
const parts = { platform, app: created, release, image };
const web = {
  instanceId: 'web-abcdefghij',
  process: 'web',
  port: 20_001,
  containerPort: 8080,
  address: '10.200.5.7',
};

describe('the container of an instance', () => {
  it('takes the port from the setting, else from a single EXPOSE, else 8080', () => {
    expect(containerPortOf(3000, { ...image, exposedPorts: [80] })).toBe(3000);
    expect(containerPortOf(null, { ...image, exposedPorts: [80] })).toBe(80);
    expect(containerPortOf(null, { ...image, exposedPorts: [80, 443] })).toBe(8080);
    expect(containerPortOf(null, image)).toBe(8080);
  });

  it('is named and labelled so that it is found again', () => {
    const spec = instanceSpec({ ...parts, config: {}, instance: web });
    expect(spec.name).toBe('p1-hello-web-abcdefghij');
    expect(spec.labels).toEqual({
      'shiplog.platform': 'p1',
      'shiplog.app': 'a1',
      'shiplog.team': 't1',
      'shiplog.release': '7',
      'shiplog.process': 'web',
      'shiplog.instance': 'web-abcdefghij',
    });
  });

  it('tells the program where it is, whatever the config says', () => {
    const config = { PORT: '1', SHIPLOG_APP: 'other', DATABASE_URL: 'x' };
    expect(instanceSpec({ ...parts, config, instance: web }).env).toMatchObject({
      PORT: '8080',
      SHIPLOG_APP: 'hello',
      SHIPLOG_RELEASE: 'v7',
      SHIPLOG_HOST: 'hello.localhost',
      DATABASE_URL: 'x',
    });
  });

  it('publishes nothing of a process that is not reached', () => {
    const worker = { ...web, process: 'worker', port: null, containerPort: null };
    const spec = instanceSpec({ ...parts, config: { PORT: '5' }, instance: worker });
    expect(spec.publish).toBeNull();
    expect(spec.env['PORT']).toBe('5');
    expect(toCreateOptions(spec).HostConfig?.PortBindings).toBeUndefined();
  });

  it('is published on loopback only, and fenced in', () => {
    const options = toCreateOptions(instanceSpec({ ...parts, config: {}, instance: web }));
    expect(options.HostConfig).toMatchObject({
      PortBindings: { '8080/tcp': [{ HostIp: '127.0.0.1', HostPort: '20001' }] },
      CapDrop: ['ALL'],
      SecurityOpt: ['no-new-privileges'],
      Memory: DEFAULT_SETTINGS.memoryBytes,
      MemorySwap: DEFAULT_SETTINGS.memoryBytes,
      PidsLimit: DEFAULT_SETTINGS.pids,
      RestartPolicy: { Name: 'no' },
    });
  });

  it('keeps its address for life, where it has one', () => {
    const spec = instanceSpec({ ...parts, config: {}, instance: web });
    expect(toCreateOptions(spec).NetworkingConfig).toEqual({
      EndpointsConfig: { 'p1-t1': { IPAMConfig: { IPv4Address: '10.200.5.7' } } },
    });
    expect(toCreateOptions({ ...spec, address: null }).NetworkingConfig).toBeUndefined();
  });

  it('is published where the processes reach it, when they are in containers themselves', () => {
    const spec = instanceSpec({ ...parts, config: {}, instance: web });
    expect(
      toCreateOptions(spec, { publishAddress: '172.17.0.1' }).HostConfig?.PortBindings,
    ).toEqual({
      '8080/tcp': [{ HostIp: '172.17.0.1', HostPort: '20001' }],
    });
  });
});

describe('a one-off command', () => {
  it('has the config and limits of the release, its own variables, and its id as that of an instance', () => {
    const spec = runSpec({
      ...parts,
      config: { A: '1', B: '2' },
      env: { B: '3' },
      command: ['id'],
      runId: 'run-0123456789',
      isDetached: false,
      process: 'run',
    });
    expect(spec.env).toMatchObject({ A: '1', B: '3', SHIPLOG_PROCESS: 'run' });
    expect(spec.labels['shiplog.kind']).toBe('run');
    expect(spec.labels['shiplog.instance']).toBe('run-0123456789');
    expect(spec).toMatchObject({ command: ['id'], isWhole: true, publish: null });
  });
});
