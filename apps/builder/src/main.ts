import { runProcess } from '@shiplog/runtime';
import { startBuilder } from './index.js';

await runProcess('builder', startBuilder);
