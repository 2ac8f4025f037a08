import type { Position } from '@shiplog/events';
import { breathe } from '../breathe.js';
import type { ReadModels } from '../read-models.port.js';
import type { ReplayDocuments } from './facts.js';

type Model = keyof ReplayDocuments;

/** What facts are made of, at one position. */
export interface ReplayState {
  readonly position: Position;
  readonly documents: ReplayDocuments;
}

/** Every document of a state that facts are made of, however many there are; ends with the signal. */
export const collectState = async (
  models: Pick<ReadModels, 'scan'>,
  signal: AbortSignal,
): Promise<ReplayState> => {
  const documents: Record<Model, object[]> = {
    apps: [],
    releases: [],
    instances: [],
    routers: [],
    tokens: [],
    users: [],
    teams: [],
  };
  let position: Position | undefined;
  for await (const page of models.scan(Object.keys(documents) as Model[])) {
    signal.throwIfAborted();
    position = page.position;
    for (const { model, document } of page.rows) documents[model as Model].push(document);
    await breathe();
  }
  if (position === undefined) throw new Error('a scan without a page');
  return { position, documents: documents as unknown as ReplayDocuments };
};
