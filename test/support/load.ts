import { spawn } from 'node:child_process';
import { join } from 'node:path';
import { connectEngine } from '@shiplog/engine';
import { ROOT, type TestPlatform } from './platform.js';

export interface LoadReport {
  readonly requests: number;
  readonly posts: number;
  readonly failedCount: number;
  readonly failed: readonly { at: string; what: string; detail: string }[];
  readonly sentPosts: readonly string[];
  readonly answeredPosts: readonly string[];
  readonly instances: Readonly<Record<string, number>>;
  readonly releases: Readonly<Record<string, number>>;
  readonly rate: number;
  readonly p50Ms: number;
  readonly p99Ms: number;
}

export interface Load {
  stop(): Promise<LoadReport>;
}

/**
 * Starts the load of architecture §9 on an app and resolves when it runs. `slowPosts`: every so many POSTs one takes 2 s, so
 * that some are under way at any moment; 0: none.
 */
export const startLoad = (
  platform: TestPlatform,
  app: string,
  { slowPosts = 0 }: { slowPosts?: number } = {},
): Promise<Load> =>
  new Promise((resolve, reject) => {
    const domain = platform.env['SHIPLOG_DOMAIN'] ?? 'localhost';
    const args = [platform.routerUrl, `${app}.${domain}`, app, '32', '220', String(slowPosts)];
    const child = spawn(
      process.execPath,
      [join(ROOT, 'test/support/load-generator.mjs'), ...args],
      {
        stdio: ['pipe', 'pipe', 'inherit'],
      },
    );
    let output = '';
    const closed = new Promise<void>((done) => child.once('close', () => done()));
    child.on('error', reject);
    child.stdout.on('data', (chunk: Buffer) => {
      output += chunk.toString('utf8');
      if (output.startsWith('started\n')) {
        resolve({
          stop: async () => {
            child.kill('SIGTERM');
            await closed;
            return JSON.parse(output.split('\n')[1] ?? '') as LoadReport;
          },
        });
      }
    });
  });

/** Failures of a load: failed requests, and POSTs executed twice or executed and not answered. */
export const failuresOf = async (
  platform: TestPlatform,
  app: string,
  report: LoadReport,
): Promise<string[]> => {
  const executed = await executedOf(platform, app, report);
  const [answered, all] = [new Set(report.answeredPosts), new Set(executed)];
  const twice = executed
    .filter((id, i) => executed.indexOf(id) !== i)
    .map((id) => `executed twice: ${id}`);
  const unanswered = executed
    .filter((id) => !answered.has(id))
    .map((id) => `executed, not answered: ${id}`);
  const missing = report.answeredPosts
    .filter((id) => !all.has(id))
    .map((id) => `answered, not executed: ${id}`);
  return [...report.failed.map((f) => JSON.stringify(f)), ...twice, ...unanswered, ...missing];
};

/** The engine copies what an app wrote to its log when it comes to it, which may be after the app answered. */
const LOG_LAG_MS = 10_000;
/** Which POSTs of a load were executed. */
const executedOf = async (
  platform: TestPlatform,
  app: string,
  { sentPosts, answeredPosts }: LoadReport,
): Promise<string[]> => {
  const sent = new Set(sentPosts);
  for (const deadline = performance.now() + LOG_LAG_MS; ;) {
    // The ledger goes back to earlier loads on the same app.
    const executed = (await ledgerOf(platform, app)).filter((id) => sent.has(id));
    const found = new Set(executed);
    if (answeredPosts.every((id) => found.has(id)) || performance.now() > deadline) return executed;
  }
};

/** What the instances of the ledger app executed, from the logs of their containers. */
const ledgerOf = async (platform: TestPlatform, app: string): Promise<string[]> => {
  const containers = await platform.containers(app);
  return (await Promise.all(containers.map(({ Id }) => executedIn(Id)))).flat();
};

/** What one instance of the ledger app executed so far. */
export const executedIn = async (containerId: string): Promise<string[]> => {
  const container = connectEngine().getContainer(containerId);
  const log = await container.logs({ stdout: true, stderr: false, follow: false });
  return [...log.toString('utf8').matchAll(/LEDGER ([0-9a-f-]{36})/g)].map((m) => m[1] ?? '');
};
