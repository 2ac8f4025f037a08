import { runProcess } from '@shiplog/runtime';
import { startApi } from './index.js';

await runProcess('api', startApi);
