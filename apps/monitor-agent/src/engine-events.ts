import type { Readable } from 'node:stream';
import type Docker from 'dockerode';
import { ownedBy } from '@shiplog/engine';

const RECONNECT_MS = 1_000;

interface EngineListener {
  /** Events come from now on; what happened before may have been missed. */
  readonly onConnected: () => void;
  readonly onEvent: (action: 'start' | 'die', containerId: string) => void;
}

/** Tells when a container of ours started or died; reconnects for ever. A hint only: the list is the truth. */
export const watchEngine = (
  engine: Docker,
  platform: string,
  { onConnected, onEvent }: EngineListener,
): { stop: () => void } => {
  let stopped = false;
  let stream: Readable | undefined;
  let retry: NodeJS.Timeout | undefined;

  const connect = async (): Promise<void> => {
    // As JSON text: the type of this call does not know that several types may be given.
    const filters = JSON.stringify({
      ...ownedBy(platform),
      type: ['container'],
      event: ['start', 'die'],
    });
    stream = (await engine.getEvents({ filters })) as Readable;
    if (stopped) stream.destroy();
    else onConnected();
    let rest = '';
    for await (const chunk of stream) {
      const lines = (rest + String(chunk)).split('\n');
      rest = lines.pop() ?? '';
      for (const line of lines.filter((text) => text.trim() !== '')) {
        const { Action, id } = JSON.parse(line) as { Action: 'start' | 'die'; id: string };
        onEvent(Action, id);
      }
    }
  };
  const again = (): void => {
    if (!stopped) retry = setTimeout(run, RECONNECT_MS);
  };
  const run = (): void => void connect().then(again, again);
  run();

  return {
    stop: () => {
      stopped = true;
      stream?.destroy();
      clearTimeout(retry);
    },
  };
};
