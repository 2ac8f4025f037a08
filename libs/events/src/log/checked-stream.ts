import { ID_PATTERN } from '../ids.js';
import { AGGREGATES, aggregateOf, idOf, type StreamName } from '../registry.js';
import { CommitRefusedError } from './errors.js';

/** The name, or `CommitRefusedError`: a type says nothing about what came from outside. */
export const checkedStream = (stream: StreamName): StreamName => {
  if (!AGGREGATES.includes(aggregateOf(stream)) || !ID_PATTERN.test(idOf(stream))) {
    throw new CommitRefusedError(`${JSON.stringify(stream)} is not the name of a stream`);
  }
  return stream;
};
