import { runProcess } from '@shiplog/runtime';
import { startBackup } from './index.js';

const [mode, ...args] = process.argv.slice(2);
if (mode === 'restore') {
  // While no platform runs, in a process that `shiplog backup restore` starts.
  const { runRestore } = await import('./restore/run-restore.js');
  process.exitCode = await runRestore(args, process.env);
} else await runProcess('backup', startBackup);
