/** One event of a `text/event-stream` (WHATWG HTML, section 9.2). */
interface ServerSentEvent {
  /** The last id that was sent, also by an earlier event: what `Last-Event-ID` wants. */
  readonly id: string;
  readonly event: string;
  readonly data: string;
}

/** Events of a stream of lines. Comments (keep-alives) and events without data are left out. */
export async function* serverSentEvents(
  lines: AsyncIterable<string>,
): AsyncGenerator<ServerSentEvent> {
  let id = '';
  let event = '';
  let data: string[] = [];
  for await (const line of lines) {
    if (line === '') {
      if (data.length > 0) yield { id, event: event || 'message', data: data.join('\n') };
      event = '';
      data = [];
      continue;
    }
    if (line.startsWith(':')) continue;
    const colon = line.indexOf(':');
    const field = colon === -1 ? line : line.slice(0, colon);
    const value = colon === -1 ? '' : line.slice(colon + 1).replace(/^ /, '');
    if (field === 'data') data.push(value);
    else if (field === 'event') event = value;
    else if (field === 'id' && !value.includes('\0')) id = value;
  }
}
