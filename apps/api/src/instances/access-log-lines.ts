import type { Bus } from '@shiplog/bus';
import { accessLine, type AccessLine } from '@shiplog/domain';
import type { z } from 'zod';
import { leftOut } from './app-log-lines.js';
import type { logLine } from './instances.routes.js';
import { sessionFrames } from './session-frames.js';

type LogLine = z.infer<typeof logLine>;

interface AccessRequest {
  readonly appId: string;
  readonly instance: string | undefined;
  readonly tail: number;
  readonly follow: boolean;
}

/** Opens the session with the router first, so that what goes wrong can still be refused. */
export const openAccessLog = async (bus: Bus, request: AccessRequest) => {
  const { appId, instance, tail, follow } = request;
  const session = await bus.open('router-sync', 'access', {
    appId,
    ...(instance === undefined ? {} : { instances: [instance] }),
    ...{ tail, follow },
  });
  return async function* lines(signal: AbortSignal): AsyncGenerator<LogLine> {
    for await (const { kind, head } of sessionFrames(session, signal, leftOut)) {
      if (kind !== 'line') continue;
      const line = accessLine.safeParse(head);
      // A note of lines that were left out has no request.
      yield line.success ? toLogLine(line.data) : (head as unknown as LogLine);
    }
  };
};

const toLogLine = ({ appId: _appId, instance, time, ...request }: AccessLine): LogLine => ({
  ...{ time, instance: instance ?? '', process: 'web', stream: 'event', request },
  text: textOf(request),
});

const textOf = (request: Omit<AccessLine, 'appId' | 'instance' | 'time'>): string => {
  const { method, host, path, status, bytesOut, durationMs, termination } = request;
  const how = termination === '--' ? '' : ` (${termination})`;
  return `${status} ${method} ${host}${path} ${durationMs} ms, ${bytesOut} bytes${how}`;
};
