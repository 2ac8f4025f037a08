'use strict';
const { request } = require('node:http');
const {
  existsSync,
  mkdirSync,
  openSync,
  readFileSync,
  readdirSync,
  readlinkSync,
  rmSync,
  statSync,
} = require('node:fs');
const { join } = require('node:path');
const { spawn } = require('node:child_process');
const { run, which, isRoot } = require('./run.cjs');

const START_TIMEOUT_MS = 60_000;
const DOCKERD_LOG = '/var/log/shiplog-dockerd.log';

/** The variable by which a person names an engine; then no other one is looked for. */
const namedBy = () => ['SHIPLOG_ENGINE', 'DOCKER_HOST'].find((name) => process.env[name]);

/** Addresses at which an engine may listen, in the order in which the docker client would look. */
const engineAddresses = () => {
  const named = namedBy();
  if (named !== undefined) return [process.env[named]];
  const runtime = process.env.XDG_RUNTIME_DIR;
  return [
    '/var/run/docker.sock',
    ...(runtime ? [join(runtime, 'docker.sock'), join(runtime, 'podman/podman.sock')] : []),
    '/run/podman/podman.sock',
  ].map((path) => `unix://${path}`);
};

const targetOf = (address) => {
  if (address.startsWith('unix://')) return { socketPath: address.slice('unix://'.length) };
  const { protocol, hostname, port } = new URL(address);
  if (!['tcp:', 'http:'].includes(protocol))
    throw Object.assign(new Error(`${protocol}// is no way to reach an engine`), {
      code: 'ESCHEME',
    });
  return { host: hostname, port: port || 2375 };
};

/** One request to an engine. Rejects unless it answers in time with a status below 400. */
const askEngine = (address, path, { method = 'GET', body, timeoutMs = 10_000 } = {}) =>
  new Promise((resolve, reject) => {
    const headers = body === undefined ? {} : { 'content-type': 'application/json' };
    const options = { ...targetOf(address), path, method, headers, timeout: timeoutMs };
    const asked = request(options, (answer) => {
      const chunks = [];
      answer.on('data', (chunk) => chunks.push(chunk));
      answer.on('error', reject);
      answer.on('end', () => {
        const received = Buffer.concat(chunks);
        if (answer.statusCode < 400) resolve(received);
        else reject(new Error(`the engine answered ${answer.statusCode}: ${received.toString()}`));
      });
    });
    asked.on('timeout', () => asked.destroy(new Error('no answer in time')));
    asked.on('error', reject);
    asked.end(body);
  });

/** The first engine that answers; else what stands in the way. */
const findEngine = async () => {
  let denied;
  let reason;
  for (const address of engineAddresses()) {
    try {
      await askEngine(address, '/_ping', { timeoutMs: 3000 });
      return { address };
    } catch (error) {
      if (error.code === 'EACCES') denied ??= address;
      reason ??= error.message;
    }
  }
  return { address: undefined, named: namedBy(), denied, reason };
};

/** What a person has to do before an engine can be used; undefined where we can do it. */
const engineObstacle = ({ named, denied, reason }) => {
  if (named !== undefined)
    return `${named}=${process.env[named]} does not answer as a Docker Engine (${reason}). Start that engine, or unset ${named}.`;
  if (denied !== undefined) return groupAdvice(denied);
  if (which('dockerd') !== undefined)
    return isRoot()
      ? undefined
      : 'The Docker Engine is installed but does not run, and starting it needs root:\n' +
          `  ${hasSystemd() ? 'sudo systemctl start docker' : 'sudo service docker start'}`;
  if (which('podman') !== undefined)
    return (
      'podman is installed but its socket does not answer. Start it, then try again:\n' +
      `  ${isRoot() ? 'systemctl enable --now podman.socket' : 'systemctl --user enable --now podman.socket'}`
    );
  if (isRoot()) return undefined;
  return (
    'There is no Docker Engine, and installing one needs root. Either start this once as root (sudo npm start),\n' +
    'or let an administrator do:\n  apt-get install docker.io && usermod -aG docker <you>'
  );
};

const groupAdvice = (address) => {
  const path = address.slice('unix://'.length);
  const refused = `The engine at ${address} runs but refuses this user.`;
  const group = groupOf(path);
  if (group === undefined || group === 'root')
    return `${refused} Only root may use it: start this as root (sudo npm start).`;
  return `${refused} Add yourself to its group and log in again:\n  sudo usermod -aG ${group} "$USER"`;
};

const groupOf = (path) => {
  try {
    const { gid } = statSync(path);
    const groups = readFileSync('/etc/group', 'utf8').split('\n');
    return groups.map((line) => line.split(':')).find(([, , id]) => Number(id) === gid)?.[0];
  } catch {
    // The socket lies in a folder that this user may not look into.
    return undefined;
  }
};

const hasSystemd = () => existsSync('/run/systemd/system') && which('systemctl') !== undefined;

/**
 * Starts the Docker Engine that is installed but does not run: through systemd where that is the
 * machine's init, else detached, so that it outlives us. One that ends or comes up is waited for.
 */
const startEngine = async () => {
  const deadline = Date.now() + START_TIMEOUT_MS;
  let started;
  while (Date.now() < deadline) {
    const { address } = await findEngine();
    if (address !== undefined) return address;
    if (!isDaemonThere()) {
      if (started?.ended !== undefined)
        throw new Error(`${NOT_STARTED} (${started.ended})${hint()}`);
      started ??= await startDaemon();
    }
    await new Promise((resolve) => setTimeout(resolve, 100));
  }
  throw new Error(`${NOT_STARTED} (no answer in time)${hint()}`);
};

const NOT_STARTED = 'the Docker Engine did not start';

const startDaemon = async () => {
  if (hasSystemd()) {
    await run('systemctl', ['enable', '--now', 'docker']);
    return {};
  }
  for (const [file, program] of PID_FILES) removeStale(file, program);
  mkdirSync('/var/log', { recursive: true });
  const output = openSync(DOCKERD_LOG, 'a', 0o600);
  const env = { ...process.env, PATH: `${process.env.PATH}:/usr/sbin:/sbin` };
  const options = { detached: true, cwd: '/', stdio: ['ignore', output, output], env };
  const child = spawn(which('dockerd'), [], options);
  const started = {};
  child.once('exit', (code, signal) => (started.ended = `it ended with ${code ?? signal}`));
  child.once('error', (error) => (started.ended = error.message));
  child.unref();
  return started;
};

/** Whether a dockerd of this machine runs, not one inside of a container. */
const isDaemonThere = () =>
  readdirSync('/proc').some((entry) => {
    if (!/^\d+$/.test(entry)) return false;
    try {
      const { name, state } = statOf(entry);
      if (name !== 'dockerd' || state === 'Z') return false;
      return readlinkSync(`/proc/${entry}/ns/pid`) === readlinkSync('/proc/self/ns/pid');
    } catch {
      // It ended while we looked.
      return false;
    }
  });

const statOf = (pid) => {
  const [, name, state] = /^\d+ \((.*)\) (\w)/.exec(readFileSync(`/proc/${pid}/stat`, 'utf8'));
  return { name, state };
};

const PID_FILES = [
  ['/var/run/docker.pid', 'dockerd'],
  ['/var/run/docker/containerd/containerd.pid', 'containerd'],
];

/** After a kill -9 an engine takes its own remains for a running one, where nobody buried the process. */
const removeStale = (file, program) => {
  if (!existsSync(file)) return;
  const pid = Number(readFileSync(file, 'utf8'));
  try {
    const { name, state } = statOf(pid);
    if (name === program && state !== 'Z') return;
  } catch {
    // No such process: the file is all that is left of it.
  }
  rmSync(file);
};

const hint = () => {
  if (hasSystemd()) return '; see journalctl -u docker';
  if (!existsSync(DOCKERD_LOG)) return '';
  const lines = readFileSync(DOCKERD_LOG, 'utf8').trim().split('\n').slice(-5);
  return `; the end of ${DOCKERD_LOG}:\n${lines.join('\n')}`;
};

const canStartEngine = () => isRoot() && which('dockerd') !== undefined;

module.exports = { targetOf, askEngine, findEngine, engineObstacle, startEngine, canStartEngine };
