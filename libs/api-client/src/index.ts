import type { ShiplogClient } from './client.js';
import type { ConnectionOptions } from './connection.js';

export type { ShiplogClient } from './client.js';
export type { ChangeOptions, ConnectionOptions, ReadOptions } from './connection.js';
export {
  ApiError,
  ConnectionLostError,
  OutcomeUnknownError,
  UNREADABLE_BODY,
  UnreachableError,
  UnusableNameError,
  type Problem,
} from './problem.js';
export type * from './resources.js';
export { pause, type RetryPolicy } from './retry.js';
export type { Session, SessionEnd, SessionOptions, SessionRequest } from './session.js';
export type { StoredSource } from './upload.js';
export { linesOf } from './stream.js';
export type { Followed, LogFilter } from './stream-client.js';

/** A client of one API. Its code is loaded here: a program's `--help` needs none of it. */
export const openShiplogClient = async (options: ConnectionOptions): Promise<ShiplogClient> => {
  const { createShiplogClient } = await import('./client.js');
  return createShiplogClient(options);
};
