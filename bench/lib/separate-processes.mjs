// The control plane of a benchmark's platform, each of its processes on its own, so that one can be killed.
import { spawn } from 'node:child_process';
import { join } from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import { ensureNatsServer, provision } from '@shiplog/provisioner';
import { ROOT } from './platform.mjs';
import { waitFor } from './wait.mjs';

const NAMES = ['router-sync', 'deployer', 'builder', 'gc', 'monitor-agent', 'backup', 'api'];
const READY_WITHIN_MS = 180_000;
const AGAIN_MS = 1_000;

export class SeparateProcesses {
  #children = new Map();
  #isEnding = false;
  /** Processes that ended by themselves, with the last that they said; whoever watches over them starts them again. */
  ended = [];

  constructor(platform) {
    this.platform = platform;
  }

  async start() {
    await ensureNatsServer(this.platform.config);
    await provision(this.platform.config);
    this.runAll();
    await this.ready();
  }

  runAll() {
    for (const name of NAMES) this.run(name);
  }

  run(name) {
    const child = spawn(process.execPath, [join(ROOT, 'apps', name, 'dist/main.js')], {
      env: this.platform.env,
      stdio: ['ignore', 'ignore', 'pipe'],
    });
    let said = '';
    child.stderr.on('data', (chunk) => (said = (said + chunk.toString('utf8')).slice(-2_000)));
    child.once('exit', async (code) => {
      if (this.#isEnding || this.#children.get(name) !== child) return;
      this.ended.push({ name, code, at: new Date().toISOString(), said: said.slice(-500) });
      await delay(AGAIN_MS);
      if (!this.#isEnding && this.#children.get(name) === child) this.run(name);
    });
    this.#children.set(name, child);
  }

  /** `kill -9`. */
  async kill(name) {
    const child = this.#children.get(name);
    this.#children.delete(name);
    if (child === undefined || child.exitCode !== null || child.signalCode !== null) return;
    const gone = new Promise((resolve) => child.once('close', resolve));
    child.kill('SIGKILL');
    await gone;
  }

  async killAll() {
    await Promise.all(NAMES.map((name) => this.kill(name)));
  }

  /** The api answers, and nothing is missing for it. */
  async ready() {
    const url = `http://127.0.0.1:${this.platform.config.apiPort}/readyz`;
    const isReady = async () => (await fetch(url).catch(() => undefined))?.ok === true;
    await waitFor('the api to be ready', isReady, { timeoutMs: READY_WITHIN_MS, everyMs: 100 });
  }

  async end() {
    this.#isEnding = true;
    await this.killAll();
  }
}
