import { readConfig, runProcess } from '@shiplog/runtime';
import { renderConfigFile, startRouterSync } from './index.js';

// `render` writes the configuration for a HAProxy that is not started from here, and ends.
if (process.argv[2] === 'render') {
  process.stdout.write(`${await renderConfigFile(readConfig(process.env))}\n`);
} else {
  await runProcess('router-sync', startRouterSync);
}
