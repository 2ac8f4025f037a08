import { describeReadModels } from './read-models.contract.js';
import { documentsOf } from './testing/documents-of.js';

describeReadModels('A fold in memory', async (platform) => ({
  models: await documentsOf(platform),
  close: () => Promise.resolve(),
}));
