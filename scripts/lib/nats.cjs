'use strict';
const {
  copyFileSync,
  chmodSync,
  existsSync,
  mkdirSync,
  mkdtempSync,
  renameSync,
  rmSync,
} = require('node:fs');
const { join } = require('node:path');
const { ask, run, which } = require('./run.cjs');
const { isDebian, unpackFromSuite } = require('./debian.cjs');

/** Older ones acknowledge what they did not write: errors of fsync are checked from 2.14 on. */
const NATS_MINIMUM = [2, 14];
const SUITES = ['sid', 'forky', 'testing'];
const IMAGE = 'nats:2.14';

const natsVersion = (path) => {
  const match = /v?(\d+)\.(\d+)\.(\d+)/.exec(ask(path, ['--version']) ?? '');
  return match === null ? undefined : match.slice(1).map(Number);
};

const isNewEnough = (path) => {
  const version = natsVersion(path);
  if (version === undefined) return false;
  return (
    version[0] > NATS_MINIMUM[0] ||
    (version[0] === NATS_MINIMUM[0] && version[1] >= NATS_MINIMUM[1])
  );
};

/** SHIPLOG_NATS_SERVER, PATH, then what an earlier start unpacked. */
const findNatsServer = (bin) =>
  [process.env.SHIPLOG_NATS_SERVER, which('nats-server'), join(bin, 'nats-server')].find(
    (path) => path && existsSync(path) && isNewEnough(path),
  );

/** From a newer suite of the machine's own mirror, else out of its container image. */
const fetchNatsServer = async (cache, bin) => {
  const reasons = [];
  if (isDebian()) {
    for (const suite of SUITES) {
      const folder = mkdtempSync(join(cache, 'nats-'));
      try {
        const root = await unpackFromSuite('nats-server', suite, folder);
        return place(join(root, 'usr/sbin/nats-server'), bin);
      } catch (error) {
        reasons.push(`${suite}: ${error.message.split('\n').at(-1)}`);
      } finally {
        rmSync(folder, { recursive: true, force: true });
      }
    }
  }
  try {
    return await fromImage(cache, bin);
  } catch (error) {
    reasons.push(`${IMAGE}: ${error.message.split('\n').at(-1)}`);
  }
  throw new Error(
    `nats-server ${NATS_MINIMUM.join('.')} or newer is needed (older ones lose acknowledged data) and was not found:\n  ` +
      `${reasons.join('\n  ')}\nPut one on the PATH, or name it: SHIPLOG_NATS_SERVER=/path/to/nats-server npm start`,
  );
};

const fromImage = async (cache, bin) => {
  const folder = mkdtempSync(join(cache, 'nats-'));
  try {
    await run('docker', ['pull', '-q', IMAGE]);
    const container = (await run('docker', ['create', IMAGE])).trim().split('\n').at(-1);
    await run('docker', ['cp', `${container}:/nats-server`, join(folder, 'nats-server')]);
    await run('docker', ['rm', container]);
    return place(join(folder, 'nats-server'), bin);
  } finally {
    rmSync(folder, { recursive: true, force: true });
  }
};

/** Only a version that keeps its promises is put in place, and in one step. */
const place = (from, bin) => {
  if (!isNewEnough(from)) throw new Error(`it is older than ${NATS_MINIMUM.join('.')}`);
  mkdirSync(bin, { recursive: true });
  const to = join(bin, 'nats-server');
  copyFileSync(from, `${to}.new`);
  chmodSync(`${to}.new`, 0o755);
  renameSync(`${to}.new`, to);
  return to;
};

module.exports = { findNatsServer, fetchNatsServer, natsVersion };
