import { describe, expect, it } from 'vitest';
import { parseProcfile } from './procfile.js';

describe('a Procfile', () => {
  it('names process types and their commands', () => {
    expect(
      parseProcfile('# processes\r\nweb: node server.js\r\n\r\nworker-2 : node w.js $QUEUE\r\n'),
    ).toEqual({
      web: { command: ['node', 'server.js'] },
      'worker-2': { command: ['/bin/sh', '-c', 'exec node w.js $QUEUE'] },
    });
  });

  it.each([
    ['web node server.js', 'Procfile, line 1: "web node server.js" is not of the form'],
    ['web: a\nWorker: b', 'Procfile, line 2: "Worker" is not a process type'],
    ['web: a\nweb: b', 'Procfile, line 2: the process type "web" is there twice'],
    ['web:', 'Procfile, line 1: the process type "web" has no command'],
    ['web: a\u0007', 'Procfile, line 1: the command of "web" contains a control character'],
    [`web: ${'x'.repeat(5000)}`, 'longer than 4000 characters'],
    ['# nothing\n', 'names no process'],
    [Array.from({ length: 33 }, (_, i) => `p${i}: a`).join('\n'), 'at most 32'],
  ])('is refused with the line that is wrong: %#', (text, message) => {
    expect(() => parseProcfile(text)).toThrow(message);
  });
});
