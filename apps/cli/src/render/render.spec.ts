import { createColors } from 'picocolors';
import { describe, expect, it } from 'vitest';
import { printable, printableLine, toJsonLine } from './printable.js';
import { sizeText } from './size.js';
import { renderTable } from './table.js';
import { relativeTime } from './time.js';

const plain = createColors(false);

describe('text of others', () => {
  it.each([
    ['plain äöü 漢字 👍', 'plain äöü 漢字 👍'],
    ['\u001b[31mred\u001b[0m', 'red'],
    ['\u001b]0;title\u0007x', 'x'],
    ['\u001b]8;;http://evil\u001b\\link\u001b]8;;\u001b\\', 'link'],
    ['\u009b2Jx', 'x'],
    ['a\rb\bc\u0000d\u007fe', 'abcde'],
    ['gnp.\u202eexe', 'gnp.exe'],
    ['\u001bPdevice\u001b\\x', 'x'],
    ['\u001b', ''],
    ['tab\tline\nend', 'tab\tline\nend'],
  ])('%j becomes %j', (text, harmless) => {
    expect(printable(text)).toBe(harmless);
  });

  it('becomes one line where one line is meant', () => {
    expect(printableLine('a\nb\tc \n')).toBe('a b c');
  });

  it('is one line of JSON that no terminal obeys, and means the same', () => {
    const value = { text: '\u009b2J\u007f\u202e\u001b[2J' };
    const line = toJsonLine(value);
    expect(line).toMatch(/^[\u0020-\u007e]*$/);
    expect(JSON.parse(line)).toEqual(value);
  });
});

describe('a table', () => {
  it('has titles, two spaces between columns, and nothing else', async () => {
    const rows = [
      { name: 'shop', count: 3 },
      { name: 'a-longer-name', count: 12 },
    ];
    const table = await renderTable(
      rows,
      [
        { title: 'name', value: ({ name }) => name },
        { title: 'count', value: ({ count }) => count, align: 'right' },
        { title: 'note', value: () => null },
      ],
      plain,
    );
    expect(table).toBe(`name           count  note
shop               3
a-longer-name     12`);
  });
});

describe('sizes and times', () => {
  it.each([
    [0, '0 B'],
    [1023, '1023 B'],
    [1536, '1.5 KiB'],
    [536_870_912, '512 MiB'],
    [125_000_000, '119 MiB'],
    [null, ''],
  ])('%s bytes are "%s"', (bytes, text) => {
    expect(sizeText(bytes)).toBe(text);
  });

  const now = Date.UTC(2026, 10, 21, 12);
  it.each([
    ['2026-11-21T12:00:00Z', 'now'],
    ['2026-11-21T11:58:30Z', '90 s ago'],
    ['2026-11-21T11:00:00Z', '60 min ago'],
    ['2026-11-20T12:00:00Z', '24 h ago'],
    ['2026-11-01T12:00:00Z', '20 d ago'],
    ['2026-12-21T12:00:00Z', 'in 30 d'],
    [null, ''],
    ['whenever', 'whenever'],
  ])('%s is "%s"', (time, text) => {
    expect(relativeTime(time, now)).toBe(text);
  });
});
