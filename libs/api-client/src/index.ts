export { createShiplogClient, type ShiplogClient } from './client.js';
export {
  UnusableNameError,
  type ChangeOptions,
  type ConnectionOptions,
  type ReadOptions,
} from './connection.js';
export { ApiError, OutcomeUnknownError, UnreachableError, type Problem } from './problem.js';
export type * from './resources.js';
export { pause, type RetryPolicy } from './retry.js';
export type { Session, SessionEnd, SessionOptions, SessionRequest } from './session.js';
export { ConnectionLostError, linesOf, UNREADABLE_BODY } from './stream.js';
export type { StoredSource } from './upload.js';
export type { Followed, LogFilter } from './stream-client.js';
