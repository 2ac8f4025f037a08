import { coversHost } from '@shiplog/domain';
import { InMemoryTerminator } from './in-memory-terminator.js';
import { describeTerminator } from './terminator.contract.js';

describeTerminator('InMemoryTerminator', () => {
  const terminator = new InMemoryTerminator();
  return Promise.resolve({
    terminator,
    handshake: async (host) => {
      const { certificates } = await terminator.observe();
      const wildcard = [...certificates].find(([domain]) => coversHost(domain, host))?.[1];
      return certificates.get(host) ?? wildcard;
    },
    restart: () => Promise.resolve(),
    stop: () => Promise.resolve(),
  });
});
