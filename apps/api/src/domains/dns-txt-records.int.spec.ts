import { createSocket } from 'node:dgram';
import { once } from 'node:events';
import { startDnsServer } from '../testing/dns-server.js';
import { DnsTxtRecords } from './dns-txt-records.js';
import { describeTxtRecords } from './txt-records.contract.js';

describeTxtRecords('DNS', async (zone) => {
  const server = await startDnsServer(zone);
  // Takes questions and answers none.
  const deaf = createSocket('udp4');
  deaf.bind(0, '127.0.0.1');
  await once(deaf, 'listening');
  return {
    records: new DnsTxtRecords(server.address),
    silent: new DnsTxtRecords(`127.0.0.1:${deaf.address().port}`),
    close: async () => {
      deaf.close();
      await server.stop();
    },
  };
});
