import type { KnownInstance } from '@shiplog/domain';
import { KeyMissingError } from '@shiplog/secrets';
import { lastLines } from '../explain.js';
import type { Container } from './container-engine.port.js';
import { decryptConfig, releaseOf } from './instance-parts.js';
import { redactor } from './redact.js';
import type { Workbench } from './workbench.js';

const LINES = 30;

/** What the instance wrote last in the run that ended, with config values blotted out. */
export const readLastLines = async (
  bench: Workbench,
  instance: KnownInstance,
  container: Container,
): Promise<string[]> => {
  const runsAgain = container.status === 'running' && container.startedAt !== null;
  const lines = await bench.engine.lastLines(container.id, {
    lines: LINES,
    ...(runsAgain
      ? { until: container.startedAt ?? '' }
      : container.startedAt === null
        ? {}
        : { since: container.startedAt }),
  });
  const redact = await redactorOf(bench, instance);
  return lastLines(lines.map(({ text }) => redact(text)));
};

const redactorOf = async (
  bench: Workbench,
  instance: KnownInstance,
): Promise<(text: string) => string> => {
  const { world } = bench.context;
  const app = world.app(instance.appId);
  const release =
    releaseOf(world, instance) ?? app?.releases.find(({ version }) => version === instance.version);
  if (app === undefined || release === undefined)
    return () => '[withheld: its config is not known any more]';
  try {
    return redactor(await decryptConfig(bench.keyring, app, release));
  } catch (error) {
    if (!(error instanceof KeyMissingError)) throw error;
    return () => '[withheld: its config cannot be decrypted]';
  }
};
