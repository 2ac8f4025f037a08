import { describe, expect, it } from 'vitest';
import { toPosition } from '../sequence.js';
import { sha256 } from './encode.js';
import { exportLine, parseExportLine } from './export-line.js';

const commit = (text: string) => {
  const bytes = Buffer.from(text, 'utf8');
  return { position: toPosition(7), hash: sha256(bytes), bytes };
};

describe('an exported commit', () => {
  it.each(['{"a":1}', '{"reason":"Äpfel\\n\\"und\\" 🍐"}', '{}'])('keeps its bytes: %s', (text) => {
    const line = exportLine(commit(text));
    expect(line).not.toContain('\n');
    expect(JSON.parse(line)).toMatchObject({ commit: JSON.parse(text) as unknown });
    expect(parseExportLine(line)).toEqual(commit(text));
  });

  it.each([
    '',
    '{}',
    '{"position":"7","hash":"x","commit":{}}',
    exportLine(commit('{}')).slice(0, -1),
  ])('is not read from %j', (line) =>
    expect(parseExportLine(line)?.bytes.toString() ?? '').not.toBe('{}'),
  );
});
