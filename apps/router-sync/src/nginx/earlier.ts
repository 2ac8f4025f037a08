import { readFile, rm } from 'node:fs/promises';
import { z } from 'zod';
import { replaceFile } from '../replace-file.js';
import type { NginxPaths } from './files.js';

/** Workers of an nginx whose master was killed. They serve on, and count in a memory that is not ours. */
export interface EarlierWorkers {
  readonly pids: readonly number[];
  /** When they were asked to end. */
  readonly sinceMs: number;
}

const earlierFile = z.object({
  sinceMs: z.number(),
  known: z.array(z.object({ pid: z.number().int(), started: z.string() })),
});

/** Adds these to those that live of masters before: a second one may be killed while the first one's serve on. All of them. */
export const addEarlier = async (
  paths: NginxPaths,
  pids: readonly number[],
): Promise<readonly number[]> => {
  const before = (await readEarlier(paths))?.pids ?? [];
  const all = [...new Set([...before, ...pids])];
  const known = await Promise.all(all.map(async (pid) => ({ pid, started: await startOf(pid) })));
  await replaceFile(paths.earlier, JSON.stringify({ sinceMs: Date.now(), known }));
  return all;
};

/** Those that still live; undefined where there are none. */
export const readEarlier = async (paths: NginxPaths): Promise<EarlierWorkers | undefined> => {
  const text = await readFile(paths.earlier, 'utf8').catch(() => undefined);
  if (text === undefined) return undefined;
  const { sinceMs, known } = parseEarlier(text);
  const started = await Promise.all(known.map(({ pid }) => startOf(pid)));
  const pids = known.flatMap(({ pid, started: then }, i) =>
    then !== '' && started[i] === then ? pid : [],
  );
  if (pids.length > 0) return { pids, sinceMs };
  await rm(paths.earlier, { force: true });
  return undefined;
};

/** A file that lost its text is of before the machine lost its power: none of those live. */
const parseEarlier = (text: string): z.infer<typeof earlierFile> => {
  try {
    return earlierFile.parse(JSON.parse(text));
  } catch (error) {
    if (error instanceof SyntaxError || error instanceof z.ZodError) return NOBODY;
    throw error;
  }
};

const NOBODY = { sinceMs: 0, known: [] };

/** When the process of this number began: a number is given again. Empty when there is none, or a dead one. */
const startOf = async (pid: number): Promise<string> => {
  const stat = await readFile(`/proc/${pid}/stat`, 'latin1').catch(() => '');
  const fields = stat.slice(stat.lastIndexOf(')') + 2).split(' ');
  return fields[0] === 'Z' ? '' : (fields[19] ?? '');
};
