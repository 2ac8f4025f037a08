import { exportLine, type StoredCommit } from '@shiplog/events/log';
import { sealedLine, type Sealed } from '../checkpoint.js';

/** The text of an exported log. `docs/integrity.md` defines it. */
export const exportText = (
  log: readonly StoredCommit[],
  sealed: readonly Sealed[],
  platform = 'shiplog',
): Buffer => {
  const header = { export: { v: 1, platform, dense: true } };
  const end = { end: { commits: log.length } };
  const lines = [
    JSON.stringify(header),
    ...sealed.map(sealedLine),
    ...log.map(exportLine),
    JSON.stringify(end),
  ];
  return Buffer.from(lines.map((line) => `${line}\n`).join(''));
};
