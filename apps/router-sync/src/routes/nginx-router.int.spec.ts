import { removeProxy, testConfig } from '../testing/test-platform.js';
import { nginxPaths } from './nginx-files.js';
import { ensureNginx } from './nginx-process.js';
import { NginxRouter } from './nginx-router.js';
import { describeHostile } from './hostile.contract.js';
import { describeRouter } from './router.contract.js';
import { describeServing } from './serving.contract.js';

const nginx = async () => {
  const config = await testConfig('nginx');
  const paths = nginxPaths(config, {});
  await ensureNginx(config, paths);
  return {
    router: new NginxRouter(paths),
    port: config.routerPort,
    close: () => removeProxy(config),
  };
};

describeRouter('Nginx', nginx);
describeServing('Nginx', nginx);
describeHostile('Nginx', nginx);
