import { describeBackupTarget } from './backup-target.contract.js';
import { InMemoryBackupTarget } from './in-memory-backup-target.js';

describeBackupTarget('InMemoryBackupTarget', () =>
  Promise.resolve({ target: new InMemoryBackupTarget(), clear: () => Promise.resolve() }),
);
