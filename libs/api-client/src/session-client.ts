import { pathSegment, reasonHeader, type Connection } from './connection.js';
import { openSession, type Session, type SessionOptions } from './session.js';

type Attach = Pick<SessionOptions, 'request' | 'onOutput'> & { readonly reason?: string };

/** Commands in instances: a new one (`run`) or one that is there (`exec`). */
export const sessions = (connection: Connection) => ({
  run: (app: string, attach: Attach): Promise<Session> =>
    open(connection, `/v1/apps/${pathSegment(app)}/run`, attach),
  exec: (app: string, instance: string, attach: Attach): Promise<Session> =>
    open(
      connection,
      `/v1/apps/${pathSegment(app)}/instances/${pathSegment(instance)}/exec`,
      attach,
    ),
});

const open = (
  connection: Connection,
  path: string,
  { reason, ...attach }: Attach,
): Promise<Session> => {
  const { url, headers, signal } = connection.stream(path);
  url.protocol = url.protocol === 'https:' ? 'wss:' : 'ws:';
  const all = { ...headers, ...reasonHeader(reason) };
  return openSession({ url, headers: all, ...attach, ...(signal !== undefined && { signal }) });
};
