// A log of millions of commits without holding them: a recorded history of some apps told again and again,
// each time of other apps, with the hash chain of every stream as the platform would have made it.
import { spawn } from 'node:child_process';
import { createHash } from 'node:crypto';
import { once } from 'node:events';
import { writeFile } from 'node:fs/promises';
import { connect, headers } from '@nats-io/transport-node';
import { START } from '@shiplog/events';
import { encodeCommit } from '@shiplog/events/log';
import { ensureNatsServer, findNatsServer, provision } from '@shiplog/provisioner';
import { recordHistory } from '@shiplog/read-models/testing';
import { pathsOf } from '@shiplog/runtime';
import { waitFor } from './wait.mjs';

/** What belongs to the platform and not to an app: told once. */
const ONCE = new Set(['user', 'team', 'token', 'node']);
const IN_FLIGHT = 4_000;
const sha256 = (data) => createHash('sha256').update(data).digest('hex');

/** Canonical bytes cut where every telling differs: version, hash of the commit before, time, version. */
const CUTS =
  /^(.*"from":)\d+(,"id":.*"previousHash":)(?:null|"[0-9a-f]{64}")(,"reason":.*,"time":")[^"]*(","to":)\d+(,"v":1\})$/s;

const recordTemplate = async (options) => {
  const history = await recordHistory({ atRest: true, ...options });
  await history.stop();
  const commits = [];
  for (let after = START; ;) {
    const page = await history.log.readAfter(after, 1_000);
    if (page.length === 0) return commits;
    after = page.at(-1).position;
    for (const { commit } of page) {
      const [, ...parts] = CUTS.exec(Buffer.from(encodeCommit(commit)).toString('utf8'));
      const [aggregate] = commit.stream.split('.');
      const types = commit.events.map(({ type }) => type);
      const timeMs = Date.parse(commit.time);
      commits.push({ parts, stream: commit.stream, aggregate, types, id: commit.id, timeMs });
    }
  }
};

/** Ids, names and hosts of one telling; the first keeps its own. */
const renamer = (telling) => {
  if (telling === 0) return (text) => text;
  const tag = telling.toString(36);
  const hex = telling.toString(16).padStart(4, '0');
  return (text) =>
    text
      .replace(/app(\d+x\d+)/g, `t${tag}app$1`)
      .replace(/\bapp-(\d+)\b/g, `t${tag}-app-$1`)
      .replaceAll('01930000-0000-7000', `0193${hex}-0000-7000`);
};

/**
 * Commits until there are so many events: tellings whose apps are all destroyed at their end, and one last
 * of apps that are there, at rest. `{stream, id, hash, bytes, events}` each.
 */
export async function* longLog({ events: wanted, apps = 50, turnsOfEach = 26 }) {
  const gone = await recordTemplate({ apps, turns: turnsOfEach, destroyed: true });
  const kept = await recordTemplate({ apps, turns: turnsOfEach, seed: 2 });
  const eventsOf = (template) => template.reduce((sum, { types }) => sum + types.length, 0);
  const tellings = Math.max(0, Math.ceil((wanted - eventsOf(kept)) / eventsOf(gone)));
  const ends = new Map();
  // The last telling ends now: a log whose clock went back with each of them is none that there is.
  const lasts = gone.at(-1).timeMs - gone[0].timeMs + 1_000;
  const beginsMs = Date.now() - (tellings + 1) * lasts - kept.at(-1).timeMs + kept[0].timeMs;
  for (let telling = 0; telling <= tellings; telling += 1) {
    const isLast = telling === tellings;
    const rename = renamer(telling);
    const domains = new Map();
    const template = isLast ? kept : gone;
    const laterMs = beginsMs + telling * lasts - template[0].timeMs;
    for (const { parts, stream, aggregate, types, id, timeMs } of template) {
      if (telling > 0 && (ONCE.has(aggregate) || types.includes('RouterStarted'))) continue;
      if (!isLast && types.includes('RouterRemoved')) continue;
      const own = aggregate === 'domain' ? domainStream(domains, telling, stream) : rename(stream);
      const end = ends.get(own) ?? { version: 0, hash: null };
      const [head, middle, tail, beforeTo, last] = parts.map((part) =>
        aggregate === 'domain' ? rename(part).replaceAll(stream, own) : rename(part),
      );
      const to = end.version + types.length;
      const previous = end.hash === null ? 'null' : `"${end.hash}"`;
      const time = new Date(timeMs + laterMs).toISOString();
      const bytes = Buffer.from(
        `${head}${end.version}${middle}${previous}${tail}${time}${beforeTo}${to}${last}`,
      );
      const hash = sha256(bytes);
      ends.set(own, { version: to, hash });
      yield { stream: own, id: rename(id), hash, bytes, events: types.length, time };
    }
    // What only this telling wrote is never written again.
    for (const stream of ends.keys())
      if (!/^(router|garbage|node)\./.test(stream)) ends.delete(stream);
  }
}

const domainStream = (known, telling, stream) => {
  if (telling === 0) return stream;
  const own = known.get(stream) ?? `domain.${sha256(`${telling} ${stream}`)}`;
  known.set(stream, own);
  return own;
};

/**
 * Writes them into the log of a platform whose nats-server does not run afterwards: without fsync for every
 * commit, in one connection, so that the order is that of the history. Answers how many there are.
 */
export const fillRaw = async (config, commits) => {
  const server = await ensureNatsServer(config);
  await provision(config);
  await server.stop();
  const { natsStore, logs } = pathsOf(config.home);
  const file = `${logs}/fill.conf`;
  await writeFile(
    file,
    `host: 127.0.0.1\nport: ${config.natsPort}\nmax_payload: 8MB\n` +
      `jetstream { store_dir: "${natsStore}", max_file_store: 1PB }\n` +
      `accounts { SHIPLOG { jetstream: enabled, users: [{ user: fill, password: fill }] } }\n`,
  );
  const child = spawn(await findNatsServer(), ['-c', file, '-l', `${logs}/fill.log`]);
  const ended = once(child, 'exit');
  try {
    return await publishAll(config, commits);
  } finally {
    child.kill('SIGTERM');
    await ended;
  }
};

const publishAll = async (config, commits) => {
  const connection = await untilConnected(config);
  let acknowledged = 0;
  let refusal;
  let wake = () => undefined;
  connection.subscribe('fill.ack', {
    callback: (_error, message) => {
      acknowledged += 1;
      if (message.string().includes('"error"')) refusal ??= message.string();
      wake();
    },
  });
  const until = async (count) => {
    while (acknowledged < count && refusal === undefined)
      await new Promise((resolve) => (wake = resolve));
    if (refusal !== undefined) throw new Error(`nats-server refused a commit: ${refusal}`);
  };
  const filled = { commits: 0, events: 0, bytes: 0 };
  for await (const { stream, id, hash, bytes, events } of commits) {
    const head = headers();
    head.set('Nats-Msg-Id', id);
    head.set('Shiplog-Commit-Hash', hash);
    connection.publish(`log.${stream}`, bytes, { headers: head, reply: 'fill.ack' });
    filled.commits += 1;
    filled.events += events;
    filled.bytes += bytes.length;
    if (filled.commits % 500 === 0) await until(filled.commits - IN_FLIGHT);
  }
  await until(filled.commits);
  await connection.close();
  return filled;
};

const untilConnected = async (config) => {
  let connection;
  const options = { servers: `127.0.0.1:${config.natsPort}`, user: 'fill', pass: 'fill' };
  await waitFor(
    'nats-server to take the history',
    async () => {
      connection = await connect({ ...options, timeout: 1_000 }).catch(() => undefined);
      return connection !== undefined;
    },
    { everyMs: 100 },
  );
  await waitFor(
    'JetStream to be there',
    async () => (await connection.request('$JS.API.INFO').catch(() => undefined)) !== undefined,
    { everyMs: 100 },
  );
  return connection;
};
