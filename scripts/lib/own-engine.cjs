'use strict';
const { spawn } = require('node:child_process');
const {
  existsSync,
  mkdirSync,
  mkdtempSync,
  openSync,
  readFileSync,
  readdirSync,
  rmSync,
} = require('node:fs');
const { tmpdir } = require('node:os');
const { join } = require('node:path');
const { askEngine } = require('./engine.cjs');
const { run, which } = require('./run.cjs');
const { ROOT } = require('./workspace.cjs');

const PREFIX = 'shiplog-engine-';
const START_TIMEOUT_MS = 60_000;

/**
 * A Docker Engine of a test's own, for tests that end it: with its own data, in namespaces of its own
 * (network, mounts, processes), so that the machine's engine and what runs on it notice nothing. A
 * program that is to reach it is started by the words of `within`. Needs root.
 */
const startOwnEngine = async () => {
  removeAbandoned();
  const folder = mkdtempSync(join(tmpdir(), `${PREFIX}${process.pid}-`));
  // Everything in the namespaces ends with their first process, and that one with us.
  const keeper = spawn(
    'setpriv',
    [
      ...['--pdeathsig', 'KILL', 'unshare', '--net', '--mount', '--pid', '--mount-proc'],
      ...['--fork', '--kill-child', 'sleep', 'infinity'],
    ],
    { cwd: ROOT, stdio: 'ignore' },
  );
  // Also when it cannot be started at all: `close` comes in every case.
  const ended = new Promise((resolve) => keeper.once('error', resolve).once('close', resolve));
  const stop = async () => {
    keeper.kill('SIGKILL');
    await ended;
    rmSync(folder, { recursive: true, force: true });
  };
  try {
    const first = await until('namespaces', () => firstOf(keeper));
    const within = ['nsenter', `--target=${first}`, '--net', '--mount', '--pid', '--wd', '--'];
    const [program, ...words] = within;
    await run(program, [...words, 'busybox', 'ip', 'link', 'set', 'lo', 'up']);

    const address = `unix://${join(folder, 'docker.sock')}`;
    const log = openSync(join(folder, 'dockerd.log'), 'a', 0o600);
    const env = { ...process.env, PATH: `${process.env.PATH}:/usr/sbin:/sbin` };
    spawn(program, [...words, ...daemon(folder, address)], { stdio: ['ignore', log, log], env });
    await until(`the engine of ${folder}`, () =>
      askEngine(address, '/_ping').catch(() => undefined),
    );
    const files = join(folder, 'tmp');
    mkdirSync(files);
    const own = { SHIPLOG_ENGINE: address, DOCKER_HOST: address, TMPDIR: files };
    return { within, env: own, stop };
  } catch (error) {
    const said = readFileSync(join(folder, 'dockerd.log'), { encoding: 'utf8', flag: 'a+' });
    await stop();
    throw new Error(`${error.message}\n${said.split('\n').slice(-20).join('\n')}`, {
      cause: error,
    });
  }
};

const daemon = (folder, address) => [
  ...[which('dockerd'), '--host', address, '--pidfile', join(folder, 'docker.pid')],
  ...['--data-root', join(folder, 'data'), '--exec-root', join(folder, 'exec')],
];

/** The first process of the namespaces, once `unshare` has made them and mounted their /proc. */
const firstOf = ({ pid, exitCode, signalCode }) => {
  if (pid === undefined || exitCode !== null || signalCode !== null)
    throw new Error('unshare could not make namespaces; an engine of its own takes root');
  const children = readFileSync(`/proc/${pid}/task/${pid}/children`, 'utf8').trim();
  if (children === '') return undefined;
  const isReady = readFileSync(`/proc/${children}/comm`, 'utf8').trim() === 'sleep';
  return isReady ? children : undefined;
};

const until = async (what, look) => {
  const deadline = Date.now() + START_TIMEOUT_MS;
  for (;;) {
    const found = await look();
    if (found !== undefined) return found;
    if (Date.now() > deadline) throw new Error(`waited ${START_TIMEOUT_MS / 1000} s for ${what}`);
    await new Promise((resolve) => setTimeout(resolve, 50));
  }
};

/** What a run that was killed left: its processes ended with it, its data did not. */
const removeAbandoned = () => {
  for (const name of readdirSync(tmpdir())) {
    const owner = new RegExp(`^${PREFIX}(\\d+)-`).exec(name)?.[1];
    if (owner === undefined || existsSync(`/proc/${owner}`)) continue;
    try {
      rmSync(join(tmpdir(), name), { recursive: true, force: true });
    } catch {
      // Somebody else's: theirs to remove.
    }
  }
};

module.exports = { startOwnEngine };
