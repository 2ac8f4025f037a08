// Whole escape sequences first: of "ESC [ 2 J" nothing should stay behind, not even "[2J".
const ESCAPE_SEQUENCES =
  /\u001b\][^\u0007\u001b]*(?:\u0007|\u001b\\)?|\u001b[PX^_][^\u001b]*(?:\u001b\\)?|[\u001b\u009b][[\]()#;?]*(?:\d{1,4}(?:[;:]\d{0,4})*)?[\dA-PR-TZcf-nq-uy=><~@`]?/g;
/** C0 without tab and line feed, DEL, C1, and the marks that reorder text on a screen. */
const CONTROL = /[\u0000-\u0008\u000b-\u001f\u007f-\u009f\u200e\u200f\u202a-\u202e\u2066-\u2069]/g;
const CONTROL_IN_JSON = /[\u007f-\u009f\u200e\u200f\u2028\u2029\u202a-\u202e\u2066-\u2069]/g;

/** Text of others, made harmless for a terminal; keeps tabs and line ends. */
export const printable = (text: string): string =>
  text.replace(ESCAPE_SEQUENCES, '').replace(CONTROL, '');

/** The same for one line: a line end in a name must not begin a line of its own. */
export const printableLine = (text: string): string =>
  printable(text)
    .replace(/[\n\t]+/g, ' ')
    .trimEnd();

/** One line of JSON in which also the control characters that JSON allows are escaped. */
export const toJsonLine = (value: unknown): string =>
  (JSON.stringify(value) ?? 'null').replace(
    CONTROL_IN_JSON,
    (character) => `\\u${character.charCodeAt(0).toString(16).padStart(4, '0')}`,
  );
