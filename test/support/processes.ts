import { spawn, type ChildProcess } from 'node:child_process';
import { join } from 'node:path';
import type { ProcessName } from '@shiplog/events';
import { ensureNatsServer, provision } from '@shiplog/provisioner';
import { readConfig } from '@shiplog/runtime';
import { ROOT, TestPlatform } from './platform.js';
import { waitFor } from './wait.js';

export const SERVER_PROCESSES = [
  'api',
  'builder',
  'deployer',
  'router-sync',
  'gc',
  'monitor-agent',
  'backup',
] as const satisfies readonly ProcessName[];
export type ServerProcess = (typeof SERVER_PROCESSES)[number];

/** A platform whose processes run each on its own, so that one can be killed at a named point. */
export class SeparatePlatform {
  private readonly children = new Map<ServerProcess, ChildProcess>();
  readonly output = new Map<ServerProcess, string>();

  private constructor(readonly platform: TestPlatform) {}

  static async start(name: string): Promise<SeparatePlatform> {
    const separate = new SeparatePlatform(await TestPlatform.create({ name }));
    const config = readConfig(separate.platform.env);
    await ensureNatsServer(config);
    await provision(config);
    for (const process of SERVER_PROCESSES) separate.run(process);
    await separate.ready();
    return separate;
  }

  /** Starts one process; with `fault` it kills itself when it comes to that point. */
  run(name: ServerProcess, fault?: string): void {
    const child = spawn(process.execPath, [join(ROOT, 'apps', name, 'dist/main.js')], {
      env: { ...this.platform.env, ...(fault === undefined ? {} : { SHIPLOG_FAULT: fault }) },
    });
    this.output.set(name, '');
    child.stderr.on('data', (chunk: Buffer) =>
      this.output.set(name, (this.output.get(name) ?? '') + chunk.toString('utf8')),
    );
    this.children.set(name, child);
  }

  isRunning(name: ServerProcess): boolean {
    const child = this.children.get(name);
    return child !== undefined && child.exitCode === null && child.signalCode === null;
  }

  async end(name: ServerProcess, signal: NodeJS.Signals = 'SIGKILL'): Promise<void> {
    const child = this.children.get(name);
    if (child === undefined || !this.isRunning(name)) return;
    const ended = new Promise((resolve) => child.once('close', resolve));
    child.kill(signal);
    await ended;
  }

  /** Waits until the process has killed itself at its fault: without that, a test proves nothing. */
  async died(name: ServerProcess, fault: string): Promise<void> {
    const child = this.children.get(name);
    const ended = (): boolean => !this.isRunning(name);
    const describe = (): string => this.output.get(name) ?? '';
    await waitFor(`${name} to die at ${fault}`, ended, { timeoutMs: 30_000, describe });
    if (child?.signalCode === 'SIGKILL') return;
    throw new Error(`${name} ended before ${fault}, with ${child?.exitCode}\n${describe()}`);
  }

  /** Ends a process and starts it again, with or without a fault. */
  async restart(name: ServerProcess, fault?: string): Promise<void> {
    await this.end(name, 'SIGTERM');
    this.run(name, fault);
    if (name === 'api') await this.ready();
  }

  async ready(): Promise<void> {
    const describe = (): string => this.output.get('api') ?? '';
    await waitFor('the api to be ready', () => this.answersReady(), { describe });
  }

  /** For a fault that may strike at the start already. */
  async readyOrDead(name: ServerProcess): Promise<void> {
    const isOver = async (): Promise<boolean> =>
      !this.isRunning(name) || (await this.answersReady());
    await waitFor(`the api to be ready, or ${name} to be dead`, isOver);
  }

  private async answersReady(): Promise<boolean> {
    const answer = await fetch(`${this.platform.apiUrl}/readyz`).catch(() => undefined);
    return answer?.ok === true;
  }

  async destroy(): Promise<void> {
    for (const name of SERVER_PROCESSES) await this.end(name);
    await this.platform.destroy();
  }
}
