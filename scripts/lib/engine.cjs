'use strict';
const { request } = require('node:http');
const { existsSync, mkdirSync, openSync } = require('node:fs');
const { join } = require('node:path');
const { spawn } = require('node:child_process');
const { ask, run, which, isRoot } = require('./run.cjs');

/** Addresses at which an engine may listen, in the order in which the docker client would look. */
const engineAddresses = () => {
  if (process.env.SHIPLOG_ENGINE) return [process.env.SHIPLOG_ENGINE];
  if (process.env.DOCKER_HOST) return [process.env.DOCKER_HOST];
  const runtime = process.env.XDG_RUNTIME_DIR;
  return [
    '/var/run/docker.sock',
    ...(runtime ? [join(runtime, 'docker.sock'), join(runtime, 'podman/podman.sock')] : []),
    '/run/podman/podman.sock',
  ].map((path) => `unix://${path}`);
};

const ping = (address) =>
  new Promise((resolve) => {
    const target = address.startsWith('unix://')
      ? { socketPath: address.slice('unix://'.length) }
      : { host: new URL(address).hostname, port: new URL(address).port || 2375 };
    const asked = request({ ...target, path: '/_ping', timeout: 3000 }, (answer) => {
      answer.resume();
      resolve(answer.statusCode === 200 ? 'ok' : 'refused');
    });
    asked.on('timeout', () => asked.destroy(new Error('timeout')));
    asked.on('error', (error) => resolve(error.code === 'EACCES' ? 'denied' : 'unreachable'));
    asked.end();
  });

/** The first engine that answers; else what stands in the way. */
const findEngine = async () => {
  let denied;
  for (const address of engineAddresses()) {
    const answer = await ping(address);
    if (answer === 'ok') return { address };
    if (answer === 'denied') denied = address;
  }
  return { address: undefined, denied };
};

/**
 * Starts the Docker Engine that is installed but does not run: through systemd where that is the
 * machine's init, else detached, so that it outlives us.
 */
const startEngine = async () => {
  if (existsSync('/run/systemd/system') && which('systemctl')) {
    await run('systemctl', ['enable', '--now', 'docker']);
  } else {
    const log = '/var/log/shiplog-dockerd.log';
    mkdirSync('/var/log', { recursive: true });
    const output = openSync(log, 'a', 0o600);
    spawn(which('dockerd'), [], {
      detached: true,
      stdio: ['ignore', output, output],
      env: sanePath(),
    }).unref();
  }
  const deadline = Date.now() + 60_000;
  while (Date.now() < deadline) {
    const { address } = await findEngine();
    if (address !== undefined) return address;
    await new Promise((resolve) => setTimeout(resolve, 200));
  }
  throw new Error(
    'the Docker Engine was started but does not answer; see /var/log/shiplog-dockerd.log',
  );
};

const sanePath = () => ({ ...process.env, PATH: `${process.env.PATH}:/usr/sbin:/sbin` });

const canStartEngine = () => isRoot() && which('dockerd') !== undefined;

const engineVersion = () => ask('docker', ['version', '--format', '{{.Server.Version}}']);

module.exports = { findEngine, startEngine, canStartEngine, engineVersion };
