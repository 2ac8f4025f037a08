/** Longer lines are cut: the log keeps the last ones of a failed build. */
const LINE_LENGTH_MAX = 2000;

const ESCAPES = /\u001b(?:\[[0-?]*[ -/]*[@-~]|\][^\u0007\u001b]*(?:\u0007|\u001b\\)?|[@-Z\\-_])/g;

const CONTROLS = /[\u0000-\u0008\u000b-\u001f\u007f-\u009f]/g;
/** Passwords in addresses, and the tokens that npm's config prints. */
const SECRETS: readonly [RegExp, string][] = [
  [/(\b[a-z][a-z0-9+.-]*:\/\/)[^\s/@]+@/gi, '$1***@'],
  [/((?:_authToken|_auth|_password)\s*[=:]\s*)\S+/g, '$1***'],
];

/** One line as it may be shown and kept: no terminal tricks, no passwords, not endless. */
export const cleanLine = (raw: string): string => {
  // A progress bar draws over itself: what it drew last is what counts.
  const shown = raw.replace(/\r+$/, '').split('\r').at(-1) ?? '';
  let text = shown.replace(ESCAPES, '').replace(CONTROLS, '');
  for (const [pattern, replacement] of SECRETS) text = text.replace(pattern, replacement);
  return text.length > LINE_LENGTH_MAX ? `${text.slice(0, LINE_LENGTH_MAX - 3)}...` : text;
};

/** Collects pieces of text into lines. */
export class LineSplitter {
  private rest = '';

  constructor(private readonly onLine: (line: string) => void) {}

  push(text: string): void {
    const lines = (this.rest + text).split('\n');
    this.rest = lines.pop() ?? '';
    for (const line of lines) this.onLine(line);
    // A line without an end must not fill the memory.
    if (this.rest.length > 64 * 1024) this.flush();
  }

  flush(): void {
    if (this.rest !== '') this.onLine(this.rest);
    this.rest = '';
  }
}
