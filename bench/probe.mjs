// What it costs the deployer to ask a thousand instances every second.
//   node bench/probe.mjs [seconds] [instances]     needs `npm run build`; default 15 s a kind, 1,000 instances
// The watcher of the deployer, as it is, asks one server in another process; the CPU time of this process is
// divided by the questions. `keep-alive` is what a connection that stays would cost, for the choice in docs/health.md.
import { fork } from 'node:child_process';
import { once } from 'node:events';
import { Agent, createServer, request } from 'node:http';
import { wholeCheck } from '@shiplog/domain';
import { askCheckWith } from '../apps/deployer/dist/health/ask-check.js';
import { laterByClock } from '../apps/deployer/dist/health/later.js';
import { Watcher } from '../apps/deployer/dist/health/watcher.js';

if (process.argv[2] === 'serve') {
  const server = createServer((_, response) => response.end('well'));
  server.listen(0, '127.0.0.1', 1024, () => process.send(server.address().port));
} else {
  const seconds = Number(process.argv[2] ?? 15);
  const count = Number(process.argv[3] ?? 1_000);
  const child = fork(new URL(import.meta.url), ['serve']);
  const [port] = await once(child, 'message');

  const outside = askCheckWith({ exec: () => Promise.reject(new Error('not asked')) });
  const agent = new Agent({ keepAlive: true, maxSockets: count });
  const kept = ({ path }, { web }) =>
    new Promise((resolve) => {
      const { host } = web;
      const asked = request({ host, port: web.port, path, agent }, (answer) => {
        answer.resume().once('end', () => resolve({ isReady: true, got: 'HTTP 200' }));
      });
      asked.once('error', ({ message }) => resolve({ isReady: false, got: message }));
      asked.end();
    });

  const measure = async (name, kind, ask) => {
    let answers = 0;
    let failures = 0;
    const events = {
      standing: () => ({ isUnready: false, isArmed: true }),
      onAnswer: (_, { isReady }) => {
        answers += 1;
        failures += isReady ? 0 : 1;
      },
      onArmed: () => Promise.resolve(),
      onFailed: () => Promise.resolve(),
      onPassed: () => Promise.resolve(),
      onError: (error) => console.error(error),
    };
    const watcher = new Watcher(events, {
      ask,
      nowMs: Date.now,
      later: laterByClock,
      random: Math.random,
    });
    const path = kind === 'http' ? '/up' : null;
    const check = wholeCheck('readiness', { kind, path, intervalMs: 1_000, timeoutMs: 1_000 });
    watcher.watch(
      'a1',
      Array.from({ length: count }, (_, i) => ({
        instanceId: `i${i}`,
        appId: 'a1',
        probe: 'readiness',
        check,
        target: {
          containerId: `c${i}`,
          web: { host: '127.0.0.1', port, isPublished: false, virtualHost: 'shop.localhost' },
        },
        startedAt: new Date().toISOString(),
      })),
    );
    await new Promise((resolve) => setTimeout(resolve, 3_000));
    answers = 0;
    failures = 0;
    const before = process.cpuUsage();
    const beganMs = performance.now();
    await new Promise((resolve) => setTimeout(resolve, seconds * 1_000));
    const { user, system } = process.cpuUsage(before);
    const tookS = (performance.now() - beganMs) / 1_000;
    watcher.close();
    const perQuestion = (user + system) / answers;
    const share = ((user + system) / 1e4 / tookS).toFixed(1);
    console.log(
      `${name.padEnd(12)} ${(answers / tookS).toFixed(0)} questions/s  ${perQuestion.toFixed(0)} µs of CPU each (${(user / answers).toFixed(0)} user, ${(system / answers).toFixed(0)} system)  ${share} % of a core  ${failures} failed`,
    );
  };
  await measure('http', 'http', outside);
  await measure('tcp', 'tcp', outside);
  await measure('keep-alive', 'http', kept);
  agent.destroy();
  child.kill();
}
