import { DEFAULT_SETTINGS } from '@shiplog/domain';
import { LABEL } from '@shiplog/engine';
import {
  InMemoryContainerEngine,
  InMemoryHost,
  type Entry,
} from '../../containers/in-memory-container-engine.js';
import type { VirtualClock } from './virtual-clock.js';

/** What a program does, as words of its command, beyond what the engine in memory knows. */
export const PROGRAM = {
  /** Listens after a while, and takes a while to end when it is asked to. */
  serve: (startMs: number, stopMs: number) => ['serve', String(startMs), String(stopMs)],
  /** The same, and crashes some time later, as long as anything is wrong with the world. */
  flaky: (startMs: number, crashMs: number) => ['serve', String(startMs), '0', String(crashMs)],
  /** Runs and never listens. */
  hang: ['hang'],
  exit: ['exit', '1'],
} as const;

const numberAt = ({ spec }: Entry, index: number): number => Number(spec.command?.[index] ?? 0);

/** A whole engine with programs that take their time, that can crash, be restarted and lose its machine. */
export class SimulatedEngine extends InMemoryContainerEngine {
  isCalm = false;
  private readonly wasRunning = new Set<Entry>();

  constructor(
    host: InMemoryHost,
    platform: string,
    private readonly clock: VirtualClock,
  ) {
    super(host, platform);
  }

  /** Does the newest run listen by now? */
  isListening(id: string): boolean {
    const entry = this.host.entries.get(id);
    return (
      entry?.status === 'running' &&
      entry.spec.command?.[0] === 'serve' &&
      this.clock.nowMs - Date.parse(entry.startedAt ?? '') >= numberAt(entry, 1)
    );
  }

  override async stop(id: string, graceSeconds = 0): Promise<void> {
    const entry = this.host.entries.get(id);
    if (entry?.status === 'restarting') {
      await super.stop(id);
      entry.status = 'exited';
      return;
    }
    const run = entry?.startedAt;
    const needsMs = entry?.status === 'running' ? numberAt(entry, 2) : 0;
    await this.clock.sleep(Math.min(needsMs, graceSeconds * 1000));
    if (entry?.startedAt !== run) return;
    await super.stop(id);
    if (entry !== undefined && needsMs > graceSeconds * 1000) entry.exitCode = 137;
  }

  /** The engine's own restart comes a little later, and later each time. */
  override crash(id: string, exitCode = 1): void {
    const entry = this.host.entries.get(id);
    if (entry?.status !== 'running') return;
    this.ended(entry, exitCode);
    if (entry.restartPolicy !== 'unless-stopped') return;
    entry.status = 'restarting';
    entry.restartCount += 1;
    this.clock.after(Math.min(60_000, 100 * 2 ** entry.restartCount), () => {
      if (entry.status === 'restarting' && !this.host.isDown) this.launch(entry);
    });
  }

  protected override launch(entry: Entry): void {
    super.launch(entry);
    const crashMs = numberAt(entry, 3);
    if (crashMs === 0) return;
    const { startedAt } = entry;
    this.clock.after(crashMs, () => {
      if (!this.isCalm && entry.startedAt === startedAt) this.crash(entry.id);
    });
  }

  /** The daemon ends, and all that it runs with it. */
  goDown(): void {
    if (this.host.isDown) return;
    this.host.isDown = true;
    for (const entry of this.host.entries.values()) {
      const isUp = entry.status === 'running' || entry.status === 'restarting';
      if (!isUp) continue;
      if (entry.restartPolicy === 'unless-stopped') this.wasRunning.add(entry);
      if (entry.status === 'running') this.ended(entry, 255);
      entry.status = 'exited';
    }
  }

  /** It starts again what it was told to keep running. */
  comeBack(): void {
    if (!this.host.isDown) return;
    this.host.isDown = false;
    for (const entry of this.wasRunning) if (this.host.entries.has(entry.id)) this.launch(entry);
    this.wasRunning.clear();
  }

  /** A container that is not ours: of another platform, or of a log that nobody here has. */
  putStranger(labels: Readonly<Record<string, string>>): string {
    const id = this.host.newId();
    this.host.entries.set(id, {
      id,
      name: `stranger-${id.slice(-4)}`,
      instanceId: labels[LABEL.instance] ?? null,
      appId: null,
      status: 'running',
      startedAt: new Date(this.clock.nowMs).toISOString(),
      finishedAt: null,
      exitCode: null,
      oomKilled: false,
      restartCount: 0,
      restartPolicy: 'unless-stopped',
      pid: null,
      spec: {
        name: `stranger-${id.slice(-4)}`,
        imageId: 'other',
        command: ['serve', '0', '0'],
        env: {},
        labels,
        network: 'other',
        address: null,
        publish: null,
        limits: {
          ...{ memoryBytes: 0, memoryReservationBytes: 0, cpus: 0, cpuReservation: 0 },
          ...{ pids: 0, ioWeight: 0 },
        },
        surroundings: DEFAULT_SETTINGS,
      },
      lines: [],
      limits: null,
      memoryInUse: 0,
    });
    return id;
  }
}
