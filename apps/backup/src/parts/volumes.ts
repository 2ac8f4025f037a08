import { once } from 'node:events';
import { Readable } from 'node:stream';
import { buffer, text } from 'node:stream/consumers';
import { describeError } from '@shiplog/runtime';
import { extract } from 'tar-stream';
import type { BackupHook, BackupHookRun } from '@shiplog/events';
import type { RunVolumeHook } from './volume-hook.js';
import { BackupError } from '../backup-error.js';
import type { NeededVolume } from '../backups/needed.js';
import type { ContentStore } from '../content/content-store.js';
import type { SavedVolume, VolumeLeftOut } from '../content/manifest.js';
import type { VolumeEngine } from '../engine/volume-engine.port.js';
import { chunksOf } from './chunks.js';
import type { ReadContent } from './images.js';

/** A file that became shorter while it was read breaks its archive off; the next one may come through. */
const ATTEMPTS = 3;

interface SaveTools {
  readonly store: ContentStore;
  readonly engine: VolumeEngine;
  readonly withVolumes: boolean;
  readonly runHook: RunVolumeHook;
  readonly onStep: (text: string) => void;
  readonly signal: AbortSignal;
}

export interface SavedVolumes {
  readonly saved: SavedVolume[];
  readonly left: VolumeLeftOut[];
}

/**
 * Saves what is in volumes, one after the other. One that fails does not keep the others from being saved,
 * and is never told as saved. A target that does not answer ends it all.
 */
export const saveVolumes = async (
  tools: SaveTools,
  volumes: readonly NeededVolume[],
): Promise<SavedVolumes> => {
  const result: SavedVolumes = { saved: [], left: [] };
  if (tools.withVolumes) tools.onStep(`${volumes.length} volumes`);
  for (const volume of volumes) {
    tools.signal.throwIfAborted();
    const { engineName, isThere, isExcluded, hook, ...of } = volume;
    const leave = (outcome: VolumeLeftOut['outcome'], why: string): void => {
      result.left.push({ ...of, outcome, why: why.slice(0, 500) });
    };
    if (!tools.withVolumes) leave('left-out', 'the backup was made without volumes');
    else if (isExcluded) {
      leave('left-out', LEFT_OUT(of));
      tools.onStep(`volume ${of.appName}/${of.name} is left out of backups`);
    } else if (!isThere) leave('failed', 'the engine does not have it');
    else {
      tools.onStep(`volume ${of.appName}/${of.name}`);
      const content =
        (hook === null ? null : await afterHook(tools, volume, hook)) ??
        (await saveContent(tools, engineName).catch(reasonOf));
      if (typeof content !== 'string') result.saved.push({ ...of, engineName, ...content });
      else {
        leave('failed', content);
        tools.onStep(`volume ${of.appName}/${of.name} failed: ${content}`);
      }
    }
  }
  return result;
};

const LEFT_OUT = ({ appName, name }: Pick<NeededVolume, 'appName' | 'name'>): string =>
  `it is left out of backups; \`shiplog volumes backup ${name} --include -a ${appName}\` has it saved`;

/** Why the content is not to be taken; null: it is. */
const afterHook = async (
  { runHook, onStep, signal }: SaveTools,
  volume: NeededVolume,
  hook: BackupHook,
): Promise<string | null> => {
  const of = `volume ${volume.appName}/${volume.name}`;
  onStep(`${of}: ${hook.command.join(' ')}`);
  const run = await runHook(volume, hook, signal);
  if (run.outcome === 'succeeded') return null;
  if (run.outcome === 'no-instance') {
    onStep(
      `${of}: no instance that has it runs, so its hook does not; the content is taken as it is`,
    );
    return null;
  }
  return hookFailure(run, hook);
};

const hookFailure = (
  { outcome, exitCode, said }: BackupHookRun,
  { command: [program = ''], timeoutSeconds }: BackupHook,
): string => {
  const last = said === '' ? '' : `: ${said}`;
  if (outcome === 'timed-out') {
    return `its backup hook (${program}) took longer than ${timeoutSeconds} s and was ended${last}`;
  }
  if (outcome === 'not-run') return `its backup hook (${program}) could not be run${last}`;
  const how = exitCode === null ? 'broke off' : `ended with exit code ${exitCode}`;
  return `its backup hook (${program}) ${how}${last}`;
};

/** What is the volume's own trouble; all other ends the backup. */
const reasonOf = (error: unknown): string => {
  if (error instanceof BackupError && error.code === 'engine-unavailable') {
    return describeError(error);
  }
  throw error;
};

/** As one archive, cut into chunks by its content: what did not change since the last time is not stored again. */
const saveContent = async (
  { store, engine, signal }: SaveTools,
  engineName: string,
): Promise<Pick<SavedVolume, 'bytes' | 'index'>> => {
  for (let attempt = 1; ; attempt += 1) {
    try {
      const names: string[] = [];
      let bytes = 0;
      for await (const chunk of chunksOf(wholeArchive(await engine.read(engineName)))) {
        signal.throwIfAborted();
        bytes += chunk.length;
        names.push(await store.putBytes(chunk));
      }
      return { bytes, index: await store.putBytes(names.join('\n')) };
    } catch (error) {
      if (!(error instanceof BrokenOffError) || attempt === ATTEMPTS) throw error;
    }
  }
};

class BrokenOffError extends BackupError {
  constructor(cause: unknown) {
    super(
      'engine-unavailable',
      'files in it became shorter, went away or could not be read when their turn came, so that the engine broke its archive off; let the program write less for that time, or stop it',
      { cause },
    );
  }
}

/** The engine ends an archive that it could not go on with as if it were whole: its entries tell. */
async function* wholeArchive(archive: Readable): AsyncGenerator<Buffer> {
  const check = extract();
  check.on('entry', (_header, content, next) => {
    content.on('error', () => undefined);
    content.once('end', () => next());
    content.resume();
  });
  const ended = new Promise<void>((resolve, reject) => {
    check.once('finish', resolve);
    check.once('error', reject);
  });
  ended.catch(() => undefined);
  let last = Buffer.alloc(0);
  for await (const piece of archive) {
    const chunk = piece as Buffer;
    if (!check.write(chunk)) await Promise.race([once(check, 'drain'), ended]).catch(brokenOff);
    last = Buffer.concat([last, chunk.subarray(-END_BYTES)]).subarray(-END_BYTES);
    yield chunk;
  }
  check.end(undefined);
  await ended.catch(brokenOff);
  if (last.length < END_BYTES || last.some((byte) => byte !== 0)) brokenOff(undefined);
}

/** A tar ends with two blocks of zeros. */
const END_BYTES = 1024;

const brokenOff = (cause: unknown): never => {
  throw new BrokenOffError(cause);
};

/** Names of the chunks of a volume, in their order. */
export const chunkNamesOf = async (
  { index }: Pick<SavedVolume, 'index'>,
  read: ReadContent,
): Promise<readonly string[]> => (await text(await read(index))).split('\n').filter(Boolean);

/** Puts what was saved into a volume. Each chunk is checked before the engine gets any of it. */
export const placeVolume = async (
  engine: VolumeEngine,
  saved: SavedVolume,
  read: ReadContent,
): Promise<void> => {
  const names = await chunkNamesOf(saved, read);
  const chunks = async function* (): AsyncGenerator<Buffer> {
    for (const name of names) yield await buffer(await read(name));
  };
  await engine.write(saved.engineName, Readable.from(chunks(), { objectMode: false }));
};
