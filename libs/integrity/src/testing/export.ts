import { exportLine, type StoredCommit } from '@shiplog/events/log';
import { sealedLine, type Sealed } from '../checkpoint.js';
import { exportEnd, exportHead } from '../export.js';

/** The text of an exported log. `docs/integrity.md` defines it. */
export const exportText = (
  log: readonly StoredCommit[],
  sealed: readonly Sealed[],
  platform = 'shiplog',
): Buffer => {
  const lines = [
    exportHead(platform, true),
    ...sealed.map(sealedLine),
    ...log.map(exportLine),
    exportEnd(log.length),
  ];
  return Buffer.from(lines.map((line) => `${line}\n`).join(''));
};
