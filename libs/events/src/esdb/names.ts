import { checkedStream } from '../log/checked-stream.js';
import { aggregateOf, idOf, type StreamName } from '../registry.js';

/** Type of every event of a log in EventStoreDB: one of them is one commit. */
export const COMMIT_TYPE = 'ShiplogCommit';

/** Streams of a log begin so; `<log>.<aggregate>` is their category, as EventStoreDB cuts it. */
export const prefixOf = (logName: string): string => `${logName}.`;

/** `<log>.<aggregate>-<id>`. */
export const esdbStreamOf = (logName: string, stream: StreamName): string => {
  const checked = checkedStream(stream);
  return `${prefixOf(logName)}${aggregateOf(checked)}-${idOf(checked)}`;
};

/** The name of the stream as its commits have it, or what lies there instead of one. */
export const streamOf = (logName: string, esdbStream: string): string =>
  esdbStream.slice(prefixOf(logName).length).replace('-', '.');

/** Beside the log: no stream of a log begins so. */
export const probeStreamOf = (logName: string, process: string): string =>
  `${logName}_probe-${process}`;
