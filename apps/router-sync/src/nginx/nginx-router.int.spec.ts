import { expect } from 'vitest';
import { removeProxy, testConfig } from '../testing/test-platform.js';
import { PATIENTLY } from '../testing/wait-for.js';
import { nginxPaths } from './files.js';
import { ensureNginx, nginxPid } from './process.js';
import { NginxRouter } from './nginx-router.js';
import { describeDomains } from '../routes/domains.contract.js';
import { describeHostile } from '../routes/hostile.contract.js';
import { describeLongHeads } from '../routes/long-heads.contract.js';
import { describeMatches } from '../routes/matches.contract.js';
import { describePasswords } from '../routes/passwords.contract.js';
import { describePolicy } from '../routes/policy.contract.js';
import { describeRouter } from '../routes/router.contract.js';
import { describeAccess } from '../access/access.contract.js';
import { NginxAccess } from '../access/nginx-access.js';
import { NginxAdmin } from './admin.js';
import { describePages } from '../pages/pages.contract.js';
import { describeServing } from '../routes/serving.contract.js';

const nginx = async () => {
  const config = await testConfig('nginx');
  const paths = nginxPaths(config, {});
  await ensureNginx(config, paths);
  return {
    router: new NginxRouter(paths),
    access: new NginxAccess(new NginxAdmin(paths.admin)),
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
describeLongHeads('Nginx', nginx);
describePolicy('Nginx', nginx);
describePasswords('Nginx', nginx);
describeHostile('Nginx', nginx);
describePages('Nginx', nginx);
describeDomains('Nginx', nginx);
describeAccess('Nginx', nginx);
