import type { KnownInstance, KnownRun, Release } from '@shiplog/domain';
import { KeyMissingError } from '@shiplog/secrets';
import { lastLines } from '../explain.js';
import { EngineError, type Container } from './container-engine.port.js';
import { decryptConfig, releaseOf } from './instance-parts.js';
import { redactor } from './redact.js';
import type { Workbench } from './workbench.js';

const LINES = 30;

/** What the instance wrote last in the run that was recorded last, with config values blotted out. */
export const readLastLines = async (
  bench: Workbench,
  instance: KnownInstance,
  container: Container,
): Promise<string[]> => {
  const redact = await redactorOf(bench, instance, releaseOf(bench.context.world, instance));
  return readRedacted(bench, redact, container.id, runOf(instance, container));
};

/** What a one-off command wrote last, with config values blotted out. */
export const readRunLines = async (
  bench: Workbench,
  run: KnownRun,
  container: Container,
): Promise<string[]> => readRedacted(bench, await redactorOf(bench, run), container.id, {});

const readRedacted = async (
  bench: Workbench,
  redact: (text: string) => string,
  containerId: string,
  span: { since?: string; until?: string },
): Promise<string[]> => {
  try {
    const lines = await bench.engine.lastLines(containerId, { lines: LINES, ...span });
    return lastLines(lines.map(({ text }) => redact(text)));
  } catch (error) {
    if (!(error instanceof EngineError) || error.code === 'engine-unreachable') throw error;
    // A log that cannot be read (of a dead container, of a full disk) must not hide the end itself.
    return lastLines([`[the engine cannot read the log: ${error.said}]`]);
  }
};

/** The engine notes a start a little after the program began to write. */
const START_LAG_MS = 1000;

/** When that run wrote, as far as the engine tells. */
const runOf = (
  instance: KnownInstance,
  { status, startedAt }: Container,
): { since?: string; until?: string } => {
  if (startedAt === null) return {};
  // The engine started it again meanwhile: what comes after belongs to the new run.
  if (status === 'running' && instance.startedAt !== startedAt) return { until: startedAt };
  return { since: new Date(Date.parse(startedAt) - START_LAG_MS).toISOString() };
};

/** Blots config values out of what an instance says. */
export const redactorOf = async (
  bench: Workbench,
  of: { readonly appId: string; readonly version: number },
  known?: Release,
): Promise<(text: string) => string> => {
  const app = bench.context.world.app(of.appId);
  const release = known ?? app?.releases.find(({ version }) => version === of.version);
  if (app === undefined || release === undefined)
    return () => '[withheld: its config is not known any more]';
  try {
    return redactor(await decryptConfig(bench.keyring, app, release));
  } catch (error) {
    if (!(error instanceof KeyMissingError)) throw error;
    return () => '[withheld: its config cannot be decrypted]';
  }
};
