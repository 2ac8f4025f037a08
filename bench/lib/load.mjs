// The load of test/support/load-generator.mjs on an app of a benchmark's platform, and what failed of it.
import { spawn } from 'node:child_process';
import { join } from 'node:path';
import { ROOT } from './platform.mjs';

/** Resolves when it runs. What `stop` answers counts every request. */
export const startLoad = async (platform, app) => {
  const host = `${app}.${platform.config.domain}`;
  const url = `http://127.0.0.1:${platform.config.routerPort}`;
  const child = spawn(
    process.execPath,
    [join(ROOT, 'test/support/load-generator.mjs'), url, host, app],
    { stdio: ['pipe', 'pipe', 'inherit'] },
  );
  let output = '';
  const closed = new Promise((resolve) => child.once('close', resolve));
  await new Promise((resolve, reject) => {
    child.once('error', reject);
    child.stdout.on('data', (chunk) => {
      output += chunk.toString('utf8');
      if (output.startsWith('started\n')) resolve();
    });
  });
  return {
    stop: async () => {
      child.kill('SIGTERM');
      await closed;
      return JSON.parse(output.split('\n')[1] ?? '');
    },
  };
};

/**
 * Failed: not 2xx, reset, timed out, answered by another app, a POST executed twice, or executed and not answered.
 * Lines of the ledger are read from the containers, so while those are kept: some releases at a time.
 */
export const failuresOf = async (engine, containers, report) => {
  const logs = await Promise.all(
    containers.map(({ Id }) =>
      engine.getContainer(Id).logs({ stdout: true, stderr: false, follow: false }),
    ),
  );
  const sent = new Set(report.sentPosts);
  const times = new Map();
  for (const log of logs)
    for (const [, id] of log.toString('utf8').matchAll(/LEDGER ([0-9a-f-]{36})/g))
      if (sent.has(id)) times.set(id, (times.get(id) ?? 0) + 1);
  const answered = new Set(report.answeredPosts);
  return [
    ...report.failed.map((failure) => JSON.stringify(failure)),
    ...[...times].flatMap(([id, count]) => (count > 1 ? `executed twice: ${id}` : [])),
    ...[...times.keys()].flatMap((id) => (answered.has(id) ? [] : `executed, not answered: ${id}`)),
    ...[...answered].flatMap((id) => (times.has(id) ? [] : `answered, not executed: ${id}`)),
  ];
};
