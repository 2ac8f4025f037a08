import type { Bus } from '@shiplog/bus';
import { z } from 'zod';
import { sessionFrames } from './session-frames.js';
import { logLine } from './instances.routes.js';

type LogLine = z.infer<typeof logLine>;

interface LogRequest {
  readonly appId: string;
  readonly process: string | undefined;
  readonly instance: string | undefined;
  readonly tail: number;
  readonly follow: boolean;
}

/** Opens the session with the deployer first, so that what goes wrong can still be refused. */
export const openAppLog = async (bus: Bus, request: LogRequest) => {
  const { appId, process, instance, tail, follow } = request;
  const session = await bus.open('deployer', 'logs', {
    appId,
    ...(process === undefined ? {} : { process }),
    ...(instance === undefined ? {} : { instances: [instance] }),
    tail,
    follow,
  });
  return async function* lines(signal: AbortSignal): AsyncGenerator<LogLine> {
    for await (const frame of sessionFrames(session, signal, leftOut)) {
      if (frame.kind !== 'line') continue;
      const line = logLine.safeParse(frame.head);
      if (line.success) yield line.data;
    }
  };
};

export const leftOut = (count: number) => ({
  kind: 'line',
  head: {
    time: new Date().toISOString(),
    instance: '',
    process: '',
    stream: 'event',
    text: `${count} lines were left out: they came faster than they were read`,
  },
});
