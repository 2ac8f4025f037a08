import { NIL } from 'uuid';
import { ACCESS_DENIED, errorTypeOf, type EsdbApi } from './esdb-api.js';
import { esdbStreamOf } from './names.js';

/** What the user of a log can do in EventStoreDB. Nothing is changed to find out. */
export interface EsdbFacts {
  /** Undefined: no user, on a server that asks for none. */
  readonly user: string | undefined;
  readonly mayReadAll: boolean;
  /** More than it needs: it could make history disappear. */
  readonly mayDelete: boolean;
  readonly maySetMetadata: boolean;
  /** Otherwise every probe stays for ever. */
  readonly isProbeBounded: boolean;
}

interface Question {
  readonly user: string | undefined;
  readonly logName: string;
  readonly isProbeBounded: () => Promise<boolean>;
  readonly timeoutMs: number;
}

export const inspectAccess = async (
  api: EsdbApi,
  { user, logName, isProbeBounded, timeoutMs }: Question,
): Promise<EsdbFacts> => {
  // No app has this id; what holds for its stream holds for all, as long as none has rights of its own.
  const stream = esdbStreamOf(logName, `app.${NIL}`);
  const [mayReadAll, mayDelete, maySetMetadata, bounded] = await Promise.all([
    mayRead(api, timeoutMs),
    api.mayDelete(stream, timeoutMs),
    api.maySetMetadata(stream, timeoutMs),
    isProbeBounded(),
  ]);
  return { user, mayReadAll, mayDelete, maySetMetadata, isProbeBounded: bounded };
};

const mayRead = async (api: EsdbApi, timeoutMs: number): Promise<boolean> => {
  try {
    await api.beforePlace(undefined, 1, timeoutMs);
    return true;
  } catch (error) {
    if (errorTypeOf(error) === ACCESS_DENIED) return false;
    throw error;
  }
};
