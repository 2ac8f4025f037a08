'use strict';
const {
  chmodSync,
  existsSync,
  mkdirSync,
  mkdtempSync,
  readFileSync,
  renameSync,
  rmSync,
  writeFileSync,
} = require('node:fs');
const { join } = require('node:path');
const { ask, which } = require('./run.cjs');
const { isDebian, newerSources, unpackFromSuite } = require('./debian.cjs');
const { askEngine, findEngine } = require('./engine.cjs');

/** Older ones acknowledge what they did not write: errors of fsync are checked from 2.14 on. */
const NATS_MINIMUM = [2, 14];
const IMAGE = { name: 'nats', tag: '2.14' };

const natsVersion = (path) => {
  const match = /v?(\d+)\.(\d+)\.(\d+)/.exec(ask(path, ['--version']) ?? '');
  return match === null ? undefined : match.slice(1).map(Number);
};

const isNewEnough = (path) => {
  const [major = 0, minor = 0] = natsVersion(path) ?? [];
  return major > NATS_MINIMUM[0] || (major === NATS_MINIMUM[0] && minor >= NATS_MINIMUM[1]);
};

/** SHIPLOG_NATS_SERVER, PATH, then what an earlier start unpacked. */
const findNatsServer = (bin) =>
  [process.env.SHIPLOG_NATS_SERVER, which('nats-server'), join(bin, 'nats-server')].find(
    (path) => path && existsSync(path) && isNewEnough(path),
  );

/** From a newer suite of the machine's own mirror, else out of its container image. */
const fetchNatsServer = async (cache, bin) => {
  const reasons = [];
  const attempts = [
    ...(isDebian() ? newerSources() : []).map(({ suite, line }) => ({
      from: suite,
      fetch: (folder) => fromSuite(folder, line),
    })),
    { from: `image ${IMAGE.name}:${IMAGE.tag}`, fetch: fromImage },
  ];
  for (const { from, fetch } of attempts) {
    const folder = mkdtempSync(join(cache, 'nats-'));
    try {
      return place(await fetch(folder), bin);
    } catch (error) {
      reasons.push(`${from}: ${error.message.trim().split('\n').at(-1)}`);
    } finally {
      rmSync(folder, { recursive: true, force: true });
    }
  }
  throw new Error(
    `nats-server ${NATS_MINIMUM.join('.')} or newer is needed (older ones lose acknowledged data) and was not found:\n  ` +
      `${reasons.join('\n  ')}\nPut one on the PATH, or name it: SHIPLOG_NATS_SERVER=/path/to/nats-server npm start`,
  );
};

const fromSuite = async (folder, line) =>
  join(await unpackFromSuite('nats-server', line, folder), 'usr/sbin/nats-server');

/** Asks the engine, not its command line client, which a machine may lack. */
const fromImage = async (folder) => {
  const { address } = await findEngine();
  const { name, tag } = IMAGE;
  const has = (image) =>
    askEngine(address, `/images/${image}/json`).then(
      () => true,
      () => false,
    );
  if (!(await has(`${name}:${tag}`)))
    await askEngine(address, `/images/create?fromImage=${name}&tag=${tag}`, {
      method: 'POST',
      timeoutMs: 120_000,
    });
  if (!(await has(`${name}:${tag}`))) throw new Error('the image could not be pulled');
  const body = JSON.stringify({ Image: `${name}:${tag}`, Cmd: ['/nats-server'] });
  const answer = await askEngine(address, '/containers/create', { method: 'POST', body });
  const container = `/containers/${JSON.parse(answer.toString()).Id}`;
  try {
    const archive = await askEngine(address, `${container}/archive?path=/nats-server`);
    const program = join(folder, 'nats-server');
    writeFileSync(program, onlyFileOf(archive), { mode: 0o755 });
    return program;
  } finally {
    await askEngine(address, `${container}?force=true&v=true`, { method: 'DELETE' });
  }
};

const TAR_BLOCK = 512;

/** The first regular file of a tar archive: its type is byte 156 of a header, its size octal from byte 124. */
const onlyFileOf = (archive) => {
  for (let at = 0; at + TAR_BLOCK <= archive.length;) {
    const size = parseInt(archive.toString('latin1', at + 124, at + 136), 8) || 0;
    const type = String.fromCharCode(archive[at + 156]);
    at += TAR_BLOCK;
    if (type === '0' || type === '\0') return archive.subarray(at, at + size);
    at += Math.ceil(size / TAR_BLOCK) * TAR_BLOCK;
  }
  throw new Error('the image has no file /nats-server');
};

/** Only a version that keeps its promises is put in place, and in one step. */
const place = (from, bin) => {
  if (!isNewEnough(from)) {
    const found = natsVersion(from)?.join('.') ?? 'no program that runs here';
    throw new Error(`it has ${found}`);
  }
  mkdirSync(bin, { recursive: true });
  const to = join(bin, 'nats-server');
  writeFileSync(`${to}.new`, readFileSync(from));
  chmodSync(`${to}.new`, 0o755);
  renameSync(`${to}.new`, to);
  return to;
};

module.exports = { findNatsServer, fetchNatsServer };
