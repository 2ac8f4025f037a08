import type { DumpRow } from '../query/row-store.js';
import type { ReplayDocuments } from './facts.js';

type Model = keyof ReplayDocuments;

/** Every document of a state that facts are made of, however many there are: from its dump. */
export const collectDocuments = async (dump: AsyncIterable<string>): Promise<ReplayDocuments> => {
  const documents: Record<Model, object[]> = {
    apps: [],
    releases: [],
    instances: [],
    routers: [],
    tokens: [],
    users: [],
    teams: [],
  };
  for await (const line of dump) {
    const { model, document } = JSON.parse(line) as DumpRow;
    if (Object.hasOwn(documents, model)) documents[model as Model].push(document);
  }
  return documents as unknown as ReplayDocuments;
};
