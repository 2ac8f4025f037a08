import { runProcess } from '@shiplog/runtime';
import { prepareApi, startApi } from './index.js';

await runProcess('api', startApi, prepareApi);
