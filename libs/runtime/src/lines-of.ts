const NEWLINE = 10;

/**
 * Lines of text that comes in pieces, without their ends. Not by `readline`: since Node.js 24 a line ends for it at U+2028,
 * too, which a text in JSON may hold.
 */
export async function* linesOf(content: AsyncIterable<unknown>): AsyncGenerator<string> {
  let rest: Buffer[] = [];
  for await (const chunk of content) {
    let piece = chunk as Buffer;
    for (let end = piece.indexOf(NEWLINE); end >= 0; end = piece.indexOf(NEWLINE)) {
      yield Buffer.concat([...rest, piece.subarray(0, end)]).toString('utf8');
      [rest, piece] = [[], piece.subarray(end + 1)];
    }
    if (piece.length > 0) rest.push(piece);
  }
  if (rest.length > 0) yield Buffer.concat(rest).toString('utf8');
}
