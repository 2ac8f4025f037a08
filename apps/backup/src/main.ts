import { runProcess } from '@shiplog/runtime';
import { startBackup } from './index.js';

await runProcess('backup', startBackup);
