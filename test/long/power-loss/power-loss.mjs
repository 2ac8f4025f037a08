// Cuts the power of a machine that runs nats-server under load, many times, and looks for what was acknowledged.
//   node test/long/power-loss/power-loss.mjs [cuts] [control cuts] [seed]      needs `npm run build`; Debian, amd64
// At `disk` (our configuration) nothing acknowledged may be missing. The control run has the same
// configuration with the sync interval that nats-server has by default: it must lose something, or the test is blind.
import { mkdir, mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { cpus, tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import { START, toPosition } from '@shiplog/events';
import { JetStreamEventLog } from '@shiplog/events/jetstream';
import { assertStillThere } from '@shiplog/events/log';
import { NO_COMMIT, commitAfter, newStream } from '@shiplog/events/testing';
import {
  assertStreams,
  findNatsServer,
  inspectServer,
  writeNatsConfig,
} from '@shiplog/provisioner';
import { freePort, randomFrom } from '@shiplog/provisioner/testing';
import { connectNats, inboxPrefixOf, pathsOf, readConfig } from '@shiplog/runtime';
import { boot, makeDisk, makeInitramfs, unpackMachine } from './guest.mjs';

const [cuts = 50, controlCuts = 10, seed = Date.now() % 1_000_000] = process.argv
  .slice(2)
  .map(Number);
const WRITERS = 32;
const GUEST_PORT = 4222;
const BOOT_TIMEOUT_MS = 120_000;
/** The cut comes so long after the first acknowledgement: before and after a block of 8 MiB is full. */
const CUT_AFTER_MS = [50, 3_000];

const random = randomFrom(seed);
const between = ([from, to]) => from + random() * (to - from);

const run = async (machine, { isControl, rounds }) => {
  const home = await mkdtemp(join(tmpdir(), 'shiplog-power-'));
  let guest;
  try {
    const port = await freePort();
    const platform = { SHIPLOG_HOME: home, SHIPLOG_PLATFORM: 'test', SHIPLOG_LOG_LEVEL: 'error' };
    const config = readConfig({ ...platform, SHIPLOG_NATS_PORT: String(port) });
    await writeNatsConfig({ ...config, natsPort: GUEST_PORT }, { host: '0.0.0.0' });
    const { natsConfig, natsStore } = pathsOf(home);
    const text = await readFile(natsConfig, 'utf8');
    if (isControl) await writeFile(natsConfig, text.replace(/^ *sync_interval: always\n/m, ''));
    const natsServer = await findNatsServer();
    await mkdir(join(home, 'machine'));
    const initramfs = await makeInitramfs(machine, join(home, 'machine'), {
      natsServer,
      config: natsConfig,
      store: natsStore,
    });
    const disk = join(home, 'machine/disk.img');
    await makeDisk(disk);
    const consoleFile = join(home, 'machine/console.txt');
    const start = async () => {
      guest = boot(machine, { initramfs, disk, port, guestPort: GUEST_PORT, consoleFile });
      return untilReady(guest, config, consoleFile);
    };

    const result = {
      cuts: 0,
      acknowledged: 0,
      lost: 0,
      reused: 0,
      cutsThatLost: 0,
      noticed: 0,
      bootMs: [],
    };
    let { facts, ms } = await start();
    if (facts.isSyncAlways === isControl) throw new Error(`sync_always is ${facts.isSyncAlways}`);
    await asProvisioner(config, assertStreams);
    for (; result.cuts < rounds; result.cuts += 1) {
      const acknowledged = await underLoad(config, () => guest.cut());
      ({ ms } = await start());
      result.bootMs.push(Math.round(ms));
      const found = await look(config, acknowledged);
      result.acknowledged += acknowledged.size;
      result.lost += found.lost;
      result.reused += found.reused;
      result.cutsThatLost += found.lost > 0 ? 1 : 0;
      result.noticed += found.isNoticed ? 1 : 0;
      const { lost } = found;
      console.log(
        `${isControl ? 'control' : 'disk'} ${result.cuts + 1}: ${acknowledged.size} acknowledged, ${lost} lost`,
      );
    }
    const whole = await asProvisioner(config, assertStreams).then(() => 'whole', String);
    const head = await withLog(
      config,
      async (log) => (await log.readAfter(START, 10_000_000)).length,
    );
    return { ...result, head, whole, version: facts.version };
  } finally {
    await guest?.cut();
    await rm(home, { recursive: true, force: true });
  }
};

const untilReady = async (guest, config, consoleFile) => {
  const since = performance.now();
  while (performance.now() - since < BOOT_TIMEOUT_MS && guest.isAlive()) {
    try {
      const facts = await inspectServer(config, 0);
      return { facts, ms: performance.now() - since };
    } catch {
      await delay(50);
    }
  }
  const screen = await readFile(consoleFile, 'utf8').catch(() => '');
  throw new Error(`the guest did not come up\n${guest.said()}\n${screen.slice(-3_000)}`);
};

const asProvisioner = async (config, act) => {
  const connection = await connectNats(config, 'provisioner');
  try {
    return await act(connection);
  } finally {
    await connection.close();
  }
};

const withLog = async (config, act) => {
  const connection = await connectNats(config, 'api');
  const log = new JetStreamEventLog(connection, {
    inboxPrefix: inboxPrefixOf('api'),
    process: 'api',
    durability: () => Promise.resolve('disk'),
    attemptTimeoutMs: 20_000,
    deadlineMs: 60_000,
  });
  try {
    return await act(log, connection);
  } finally {
    await log.close();
    await connection.close();
  }
};

/** Writes as fast as it can until the power is cut; answers what was acknowledged: position and hash by commit id. */
const underLoad = async (config, cut) =>
  withLog(config, async (log, connection) => {
    const acknowledged = new Map();
    let isOver = false;
    let first = () => undefined;
    const firstAnswer = new Promise((resolve) => (first = resolve));
    const write = async () => {
      const stream = newStream();
      for (let end = NO_COMMIT; !isOver;) {
        // One in sixteen is large, so that blocks fill up and new ones are begun.
        const reason = 'x'.repeat(random() < 1 / 16 ? 150_000 : 100);
        const commit = commitAfter(stream, end, { reason });
        const { outcome, position, revision, hash } = await log.append(
          stream,
          end.revision,
          commit,
        );
        if (outcome !== 'appended') throw new Error('a conflict on a stream with one writer');
        if (!isOver) acknowledged.set(commit.id, { position, hash });
        first();
        end = { revision, version: end.version + 1, hash };
      }
    };
    const writing = Promise.allSettled(Array.from({ length: WRITERS }, write));
    await Promise.race([firstAnswer, writing]);
    await delay(between(CUT_AFTER_MS));
    isOver = true;
    await cut();
    await connection.close();
    return acknowledged;
  });

/** As a start does: the stream is asserted first, and where there is none any more it is made. */
const look = async (config, acknowledged) => {
  const refusal = await asProvisioner(config, assertStreams).then(
    () => undefined,
    (error) => error.code,
  );
  return withLog(config, async (log) => {
    const places = [...acknowledged.values()].map(({ position }) => position).sort();
    const [first] = places;
    const before = toPosition(BigInt(first ?? START) - 1n);
    const stored = await log.readStored(before, 10_000_000);
    const byPlace = new Map(stored.map((commit) => [commit.position, commit]));
    let lost = 0;
    let reused = 0;
    let newest;
    for (const [id, { position, hash }] of acknowledged) {
      const there = byPlace.get(position);
      if (there?.id !== id || there.hash !== hash) lost += 1;
      if (there !== undefined && there.id !== id) reused += 1;
      if (newest === undefined || newest.position < position) newest = { position, hash };
    }
    // What a process that remembers the newest acknowledged commit says at its start.
    const remembered = { ...newest, by: 'the test', remedy: 'nothing' };
    const fence = await assertStillThere(log, remembered).then(
      () => undefined,
      (error) => error.code,
    );
    const isNoticed = refusal === 'log-stream-refused' || fence === 'log-went-back';
    return { lost, reused, isNoticed };
  });
};

const cache = join(tmpdir(), 'shiplog-power-loss-machine');
await mkdir(cache, { recursive: true });
const machine = await unpackMachine(cache);
console.log(
  `seed ${seed}; QEMU with TCG, Linux ${machine.kernelVersion}, ${cpus().length} × ${cpus()[0]?.model}`,
);
const disk = await run(machine, { isControl: false, rounds: cuts });
console.log(JSON.stringify({ durability: 'disk', ...disk }));
const control = await run(machine, { isControl: true, rounds: controlCuts });
console.log(JSON.stringify({ durability: 'process', ...control }));
// Nothing is lost of nothing, either: without an acknowledged commit nothing was tested.
const isGood =
  disk.acknowledged > 0 && disk.lost === 0 && disk.whole === 'whole' && control.lost > 0;
console.log(
  isGood ? 'nothing acknowledged was lost at disk, and the control run lost something' : 'FAILED',
);
// What was under way at the last cut goes on asking for its minute: nobody waits for that.
process.exit(isGood ? 0 : 1);
