import { connectNats, pathsOf, type PlatformConfig } from '@shiplog/runtime';
import { mkdir, rename, writeFile } from 'node:fs/promises';
import { dirname } from 'node:path';
import { StreamRefusedError, assertStreams } from './assert-streams.js';
import type { LogStreamOptions } from './log-stream.js';
import { proveDurability } from './prove-durability.js';

/** On a running server: proves its durability, then creates or asserts the log stream. Repeatable. */
export const provision = async (
  config: Pick<PlatformConfig, 'home' | 'natsUrl'>,
  options: LogStreamOptions = {},
): Promise<void> => {
  await proveDurability(config);
  const connection = await connectNats(config, 'provisioner');
  try {
    await assertStreams(connection, options);
    await recordStreamCheck(config.home, undefined);
  } catch (error) {
    if (error instanceof StreamRefusedError) await recordStreamCheck(config.home, error);
    throw error;
  } finally {
    await connection.close();
  }
};

/** Left for `shiplog doctor`: the api may not ask the server itself. */
const recordStreamCheck = async (
  home: string,
  refused: StreamRefusedError | undefined,
): Promise<void> => {
  const file = pathsOf(home).natsStreamCheck;
  const { what, message } = refused ?? {};
  const check = {
    checkedAt: new Date().toISOString(),
    settings: what === 'settings' ? message : null,
    gaps: what === 'gaps' ? message : null,
  };
  await mkdir(dirname(file), { recursive: true, mode: 0o700 });
  await writeFile(`${file}.new`, `${JSON.stringify(check)}\n`, { mode: 0o644 });
  await rename(`${file}.new`, file);
};
