import { expect } from 'vitest';
import { removeProxy, testConfig } from '../testing/test-platform.js';
import { PATIENTLY } from '../testing/wait-for.js';
import { nginxPaths } from './files.js';
import { ensureNginx, nginxPid } from './process.js';
import { NginxRouter } from './nginx-router.js';
import { describeDomains } from '../routes/domains.contract.js';
import { describeHostile } from '../routes/hostile.contract.js';
import { describeMatches } from '../routes/matches.contract.js';
import { describeRouter } from '../routes/router.contract.js';
import { describePages } from '../pages/pages.contract.js';
import { describeServing } from '../routes/serving.contract.js';

const nginx = async () => {
  const config = await testConfig('nginx');
  const paths = nginxPaths(config, {});
  await ensureNginx(config, paths);
  return {
    router: new NginxRouter(paths),
    port: config.routerPort,
    close: () => removeProxy(config),
    restart: async () => {
      process.kill((await nginxPid(paths)) ?? 0, 'SIGKILL');
      await expect.poll(() => nginxPid(paths), PATIENTLY).toBeUndefined();
      await ensureNginx(config, paths);
    },
  };
};

describeRouter('Nginx', nginx);
describeServing('Nginx', nginx);
describeMatches('Nginx', nginx);
describeHostile('Nginx', nginx);
describeDomains('Nginx', nginx);
describePages('Nginx', nginx);
