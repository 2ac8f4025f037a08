import { connectNats, type PlatformConfig } from '@shiplog/runtime';
import { assertStreams } from './assert-streams.js';
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
  } finally {
    await connection.close();
  }
};
