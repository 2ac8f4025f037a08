import { InMemoryTxtRecords } from './in-memory-txt-records.js';
import { describeTxtRecords } from './txt-records.contract.js';

describeTxtRecords('the fake', (zone) => {
  const records = new InMemoryTxtRecords();
  for (const [name, texts] of Object.entries(zone)) records.set(name, ...texts);
  const silent = new InMemoryTxtRecords();
  silent.isSilent = true;
  return Promise.resolve({ records, silent, close: () => Promise.resolve() });
});
