import { runProcess } from '@shiplog/runtime';
import { startMonitorAgent } from './index.js';

await runProcess('monitor-agent', startMonitorAgent);
