/** One event of a `text/event-stream` (WHATWG HTML, section 9.2). */
interface ServerSentEvent {
  /** The last id that was sent, also by an earlier event: what `Last-Event-ID` wants. */
  readonly id: string;
  readonly event: string;
  readonly data: string;
}

/**
 * Events of a stream of lines. Comments (keep-alives) and events without data are left out; `onId` hears
 * the id that one without data names, too.
 */
export async function* serverSentEvents(
  lines: AsyncIterable<string>,
  onId: (id: string) => void = () => undefined,
): AsyncGenerator<ServerSentEvent> {
  for await (const { id, event, data } of blocksOf(lines)) {
    if (data.length > 0) yield { id, event: event || 'message', data: data.join('\n') };
    else if (id !== '') onId(id);
  }
}

interface Block {
  readonly id: string;
  readonly event: string;
  readonly data: readonly string[];
}

/** What stands between two empty lines. The id stays until another one is sent. */
async function* blocksOf(lines: AsyncIterable<string>): AsyncGenerator<Block> {
  let id = '';
  let event = '';
  let data: string[] = [];
  for await (const line of lines) {
    if (line === '') {
      yield { id, event, data };
      event = '';
      data = [];
      continue;
    }
    // A comment is a field without a name.
    const [field, value] = fieldOf(line);
    if (field === 'data') data.push(value);
    else if (field === 'event') event = value;
    else if (field === 'id' && !value.includes('\0')) id = value;
  }
}

const fieldOf = (line: string): readonly [string, string] => {
  const colon = line.indexOf(':');
  return colon === -1
    ? [line, '']
    : [line.slice(0, colon), line.slice(colon + 1).replace(/^ /, '')];
};
