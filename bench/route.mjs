// How long it takes from "the instance is ready" to the first request that it answers.
//   node bench/route.mjs [rounds]               needs `npm run build`; default 300 rounds
// `routed`: InstanceReady is appended to a real JetStream log with fsync; router-sync follows it and
// changes a real HAProxy; a client asks through the proxy until the new instance answers.
// `raw`: the same change written to the runtime API by hand. `reload`: written into a file, and HAProxy
// reloaded. The three take turns in one run on one machine.
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { Agent, createServer } from 'node:http';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { JetStreamEventLog } from '@shiplog/events/jetstream';
import { startTestNats } from '@shiplog/provisioner/testing';
import { connectNats, inboxPrefixOf } from '@shiplog/runtime';
import { HaproxyRuntime } from '../apps/router-sync/dist/haproxy/runtime.js';
import { findHaproxy } from '../apps/router-sync/dist/haproxy/binary.js';
import { ask } from '../apps/router-sync/dist/testing/client.js';
import { freePort } from '../apps/router-sync/dist/testing/free-port.js';
import { testPlatform } from '../apps/router-sync/dist/testing/test-platform.js';
import { latencyFigures, median, quantile, round } from './lib/figures.mjs';
import { atMost, fileSystemOf, firstLineOf, report } from './lib/report.mjs';
import { waitFor } from './lib/wait.mjs';

const REQUIRED_P99_MS = 100;
const rounds = Number(process.argv[2] ?? 300);
const binary = await findHaproxy(process.env);

/** Instances that are always there; a round makes one of them the newest. */
const instances = await Promise.all(
  Array.from({ length: 8 }, async () => {
    const server = createServer((_, response) => response.end(String(server.address().port)));
    server.listen(0, '127.0.0.1');
    await once(server, 'listening');
    return server;
  }),
);
const portOf = (n) => instances[n % instances.length].address().port;

const agent = new Agent({ keepAlive: true, maxSockets: 1 });
/** Asks until the new instance answers; everything else has to be answered by an older one. */
const firstAnswerOf = async (proxyPort, host, instancePort) => {
  for (;;) {
    const { status, body } = await ask(proxyPort, { host, agent }).catch(() => ({ status: 0 }));
    if (status === 200 && body === String(instancePort)) return;
  }
};

const routedContender = async () => {
  const nats = await startTestNats();
  const opened = [];
  const logs = new Map();
  for (const name of ['api', 'deployer', 'router-sync']) {
    const connection = await connectNats(nats.config, name);
    opened.push(connection);
    const options = {
      inboxPrefix: inboxPrefixOf(name),
      durability: () => Promise.resolve('disk'),
    };
    logs.set(name, new JetStreamEventLog(connection, options));
  }
  const platform = await testPlatform((name) => logs.get(name));
  await platform.start();
  await platform.createApp('bench');
  let previous;
  return {
    round: async (n) => {
      const id = `i${n}`;
      await platform.scheduled('bench', id, portOf(n));
      const at = performance.now();
      const appended = platform.readyAgain(id).then(() => performance.now() - at);
      await firstAnswerOf(platform.config.routerPort, 'bench.localhost', portOf(n));
      const tookMs = performance.now() - at;
      const appendMs = await appended;
      await platform.recorded(id, 'routed');
      if (previous !== undefined) {
        await platform.retire(previous);
        await platform.recorded(previous, 'drained');
        await platform.stopped(previous);
      }
      previous = id;
      return { tookMs, appendMs };
    },
    close: async () => {
      await platform.close();
      for (const connection of opened) await connection.close();
      await nats.close();
    },
  };
};

/** A HAProxy of a dozen lines, with two servers of which one is in use. */
const plainHaproxy = async (proxyPort) => {
  const directory = await mkdtemp(join(tmpdir(), 'bench-route-'));
  const config = join(directory, 'haproxy.cfg');
  const socket = join(directory, 'admin.sock');
  const write = (servers) =>
    writeFile(
      config,
      `global
  stats socket ${socket} mode 600 level admin expose-fd listeners
defaults
  mode http
  timeout connect 1s
  timeout client 60s
  timeout server 60s
frontend f
  bind 127.0.0.1:${proxyPort}
  default_backend b
backend b
${servers.map((at, i) => `  server s${i} ${at}`).join('\n')}
`,
    );
  await write(['127.0.0.1:1 disabled', '127.0.0.1:1 disabled']);
  const child = spawn(binary, ['-W', '-f', config], { stdio: 'ignore' });
  await waitFor('haproxy', () =>
    ask(proxyPort, { host: 'x' }).then(
      () => true,
      () => false,
    ),
  );
  const close = async () => {
    child.kill('SIGTERM');
    await once(child, 'exit');
    await rm(directory, { recursive: true });
  };
  return { write, socket, pid: child.pid, close };
};

const rawContender = async () => {
  const rawPort = await freePort();
  const proxy = await plainHaproxy(rawPort);
  const runtime = new HaproxyRuntime(proxy.socket);
  return {
    round: async (n) => {
      const slot = `b/s${n % 2}`;
      const at = performance.now();
      await runtime.change([
        `set server ${slot} addr 127.0.0.1 port ${portOf(n)}`,
        `set server ${slot} state ready`,
      ]);
      await firstAnswerOf(rawPort, 'bench', portOf(n));
      const tookMs = performance.now() - at;
      await runtime.change([`set server b/s${(n + 1) % 2} state maint`]);
      return { tookMs };
    },
    close: proxy.close,
  };
};

const reloadContender = async () => {
  const reloadPort = await freePort();
  const proxy = await plainHaproxy(reloadPort);
  return {
    round: async (n) => {
      const at = performance.now();
      await proxy.write([`127.0.0.1:${portOf(n)}`]);
      process.kill(proxy.pid, 'SIGUSR2');
      await firstAnswerOf(reloadPort, 'bench', portOf(n));
      return { tookMs: performance.now() - at };
    },
    close: proxy.close,
  };
};

const contenders = {
  routed: await routedContender(),
  raw: await rawContender(),
  reload: await reloadContender(),
};
const samples = { routed: [], raw: [], reload: [], append: [] };
const WARM_UP = 10;
for (let n = 0; n < rounds + WARM_UP; n += 1) {
  for (const [name, { round }] of Object.entries(contenders)) {
    // A reload leaves a process behind for a while: a third of the rounds is enough of them.
    if (name === 'reload' && n % 3 !== 0) continue;
    const { tookMs, appendMs } = await round(n);
    if (n < WARM_UP) continue;
    samples[name].push(tookMs);
    if (appendMs !== undefined) samples.append.push(appendMs);
  }
}
for (const { close } of Object.values(contenders)) await close();
agent.destroy();
for (const server of instances) server.close();

report({
  bench: 'route',
  versions: { haproxy: firstLineOf(binary, '-v').replace(/^HAProxy version (\S+).*/, '$1') },
  storage: {
    fileSystem: fileSystemOf(tmpdir()),
    fsync: 'before every acknowledgement (sync_interval: always)',
  },
  fromReadyToFirstAnswer: latencyFigures(samples.routed),
  ofWhichAppend: latencyFigures(samples.append),
  rawRuntimeApi: latencyFigures(samples.raw),
  plainReload: latencyFigures(samples.reload),
  ofPlainReload: round(median(samples.routed) / median(samples.reload)),
  targets: [
    atMost(
      'ready → first request routed, p99',
      quantile(samples.routed, 0.99),
      REQUIRED_P99_MS,
      'ms',
    ),
  ],
});
// Whatever the proxies left open ends here.
process.exit();
