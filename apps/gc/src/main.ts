import { runProcess } from '@shiplog/runtime';
import { startGc } from './index.js';

await runProcess('gc', startGc);
