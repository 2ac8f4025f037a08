import type { RecordedCommit } from '../commit.js';
import { verifyChain } from '../log/verify-chain.js';
import type { StreamName } from '../registry.js';
import { toRecord, type StoredMessage } from './stored-message.js';
import type { StreamApi } from './stream-api.js';
import { subjectOf } from './subjects.js';

const BATCH = 1_000;

/**
 * A whole stream. The leader says where it ends; what lies before is read in batches, and the chain
 * of versions and hashes proves that nothing is missing.
 */
export const readStream = async (
  api: StreamApi,
  stream: StreamName,
  timeoutMs: number,
): Promise<readonly RecordedCommit[]> => {
  const subject = subjectOf(stream);
  const last = await api.lastOn(subject, timeoutMs);
  if (last === undefined) return [];
  const lastRecord = toRecord(last);
  if (lastRecord.commit.from === 0) return [lastRecord];

  const messages: StoredMessage[] = [];
  let from = 1;
  while (from < last.sequence) {
    const batch = await api.batch({ from, count: BATCH, subject }, timeoutMs);
    const earlier = batch.filter(({ sequence }) => sequence < last.sequence);
    messages.push(...earlier);
    from = (batch.at(-1)?.sequence ?? last.sequence) + 1;
  }
  const records = [...messages.map(toRecord), lastRecord];
  verifyChain(stream, records);
  return records;
};
