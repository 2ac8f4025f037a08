import {
  catchUpReadModels,
  databaseOf,
  fillInThread,
  makePastInThread,
  type Database,
  type Fill,
  type MakePast,
} from '@shiplog/read-models';
import {
  derivedPathsOf,
  describeError,
  type PlatformConfig,
  type PrepareProcess,
  type ProcessContext,
} from '@shiplog/runtime';
import { Checkpoints } from '../integrity/checkpoints.js';

export const databaseIn = (config: PlatformConfig): Database =>
  databaseOf(config.databaseUrl, derivedPathsOf(config).database);

/** Folds long stretches of the log on another core, so that requests are answered meanwhile. */
export const fillBeside = (config: PlatformConfig, feed?: ProcessContext['feed']): Fill =>
  fillInThread(new URL('./thread.js', import.meta.url), { config }, feed);

/** Read models of the past, made on another core, and where their snapshots lie. */
export const pastBeside = (config: PlatformConfig): { directory: string; make: MakePast } => ({
  directory: derivedPathsOf(config).past,
  make: makePastInThread(new URL('./past-thread.js', import.meta.url), { config }),
});

/**
 * Refuses a log that is not the one that was sworn to, then reads what the read models lack, while the feed
 * reads the log for the world: no process of `npm start` acts before this is done.
 */
export const prepareApi: PrepareProcess = async (context) => {
  const { config, log, feed, logger } = context;
  await Checkpoints.fence(context);
  try {
    const fill = fillBeside(config, feed);
    await catchUpReadModels({ database: databaseIn(config), log, logger, fill });
  } catch (error) {
    // The start does the rest, or says why it cannot.
    logger.warn({ error: describeError(error) }, 'read-models.not-caught-up-beside');
  }
};
