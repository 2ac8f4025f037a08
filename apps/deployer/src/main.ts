import { runProcess } from '@shiplog/runtime';
import { startDeployer } from './index.js';

await runProcess('deployer', startDeployer);
