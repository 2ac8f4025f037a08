import type { Bus } from '@shiplog/bus';
import type { ProcessName } from '@shiplog/events';
import { z } from 'zod';

const sample = z.object({
  instanceId: z.string(),
  cpu: z.number().nullable(),
  memoryBytes: z.number().nullable(),
  pids: z.number().nullable(),
  rxBytes: z.number().nullable(),
  txBytes: z.number().nullable(),
});
const room = z.object({ path: z.string(), freeBytes: z.number(), totalBytes: z.number() });
const batch = z.object({
  instances: z.array(sample),
  /** Of the engine's own disk; null where the agent cannot see it. */
  engineDisk: room.nullable().optional(),
});
const answers = z.object({
  answers: z.array(z.object({ instanceId: z.string(), got: z.string() })),
});
const alive = z.object({ position: z.number(), at: z.iso.datetime() });
export type Sample = z.infer<typeof sample>;

interface Said {
  /** How far it read the log. */
  readonly position: number;
  /** By how much its clock was ahead of ours when we heard it. */
  readonly aheadMs: number;
}

/** Older than this says nothing about now. The agent speaks about once a second. */
const SAMPLE_FRESH_MS = 10_000;

/** Who said nothing for this long is not there. */
const SILENCE_MS = 15_000;

const SPEAKERS: readonly ProcessName[] = [
  'builder',
  'deployer',
  'router-sync',
  'gc',
  'monitor-agent',
  'backup',
];

/** What processes say about now: never in the log, forgotten with this process. */
export class Telemetry {
  private samples = new Map<string, { readonly sample: Sample; readonly atMs: number }>();
  private answers = new Map<string, { readonly got: string; readonly atMs: number }>();
  private readonly heard = new Map<ProcessName, number>();
  private readonly said = new Map<ProcessName, Said>();
  /** The room on the disk of the engine, as the agent saw it last. */
  engineDisk: z.infer<typeof room> | undefined;
  private readonly waiting = new Set<{ process: ProcessName; heard: () => void }>();
  private readonly unsubscribe: readonly (() => void)[];

  constructor(
    bus: Bus,
    private readonly now: () => number = Date.now,
  ) {
    this.unsubscribe = [
      bus.listen('monitor-agent', 'metrics', (data) => this.take(data)),
      bus.listen('deployer', 'answers', (data) => this.takeAnswers(data)),
      ...SPEAKERS.map((speaker) =>
        bus.listen(speaker, '>', (data, topic) => this.hear(speaker, data, topic)),
      ),
    ];
  }

  /** What the instance uses just now; undefined when nobody said so lately. */
  sampleOf(instanceId: string): Sample | undefined {
    const known = this.samples.get(instanceId);
    return known !== undefined && this.now() - known.atMs <= SAMPLE_FRESH_MS
      ? known.sample
      : undefined;
  }

  /** What an instance that is not ready answered when it was asked last; undefined when nobody said so lately. */
  answerOf(instanceId: string): string | undefined {
    const known = this.answers.get(instanceId);
    return known !== undefined && this.now() - known.atMs <= SAMPLE_FRESH_MS
      ? known.got
      : undefined;
  }

  /** Milliseconds since a process said anything; undefined when it did not since this one started. */
  private silenceMsOf(process: ProcessName): number | undefined {
    const atMs = this.heard.get(process);
    return atMs === undefined ? undefined : this.now() - atMs;
  }

  /** Was it heard lately, or is it heard before the time is up? Processes speak every few seconds. */
  async isHeard(process: ProcessName, patienceMs: number): Promise<boolean> {
    const silenceMs = this.silenceMsOf(process);
    if (silenceMs !== undefined) return silenceMs <= SILENCE_MS;
    return await new Promise((resolve) => {
      const answer = (isThere: boolean): void => {
        clearTimeout(timer);
        this.waiting.delete(wait);
        resolve(isThere);
      };
      const timer = setTimeout(() => answer(false), patienceMs);
      const wait = { process, heard: () => answer(true) };
      this.waiting.add(wait);
    });
  }

  close(): void {
    for (const end of this.unsubscribe) end();
  }

  /** What a process said of itself lately. */
  saidBy(process: ProcessName): Said | undefined {
    const silenceMs = this.silenceMsOf(process);
    return silenceMs !== undefined && silenceMs <= SILENCE_MS ? this.said.get(process) : undefined;
  }

  private hear(speaker: ProcessName, data: unknown, topic: string): void {
    const parsed = topic === 'alive' ? alive.safeParse(data) : undefined;
    if (parsed?.success === true) {
      const { position, at } = parsed.data;
      this.said.set(speaker, { position, aheadMs: Date.parse(at) - this.now() });
    }
    this.heard.set(speaker, this.now());
    for (const wait of [...this.waiting]) if (wait.process === speaker) wait.heard();
  }

  private takeAnswers(data: unknown): void {
    const parsed = answers.safeParse(data);
    if (!parsed.success) return;
    const atMs = this.now();
    const fresh = [...this.answers].filter(([, known]) => atMs - known.atMs <= SAMPLE_FRESH_MS);
    this.answers = new Map(fresh);
    for (const { instanceId, got } of parsed.data.answers) {
      this.answers.set(instanceId, { got, atMs });
    }
  }

  private take(data: unknown): void {
    const parsed = batch.safeParse(data);
    if (!parsed.success) return;
    const atMs = this.now();
    this.engineDisk = parsed.data.engineDisk ?? undefined;
    const fresh = [...this.samples].filter(([, known]) => atMs - known.atMs <= SAMPLE_FRESH_MS);
    this.samples = new Map(fresh);
    for (const one of parsed.data.instances) {
      this.samples.set(one.instanceId, { sample: one, atMs });
    }
  }
}
