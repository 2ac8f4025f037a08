import { describe, expect, it } from 'vitest';
import { toArgv } from './command.js';

describe('a command line', () => {
  it.each([
    ['node server.js', ['node', 'server.js']],
    ['  node   --port=80 ./a/b.js ', ['node', '--port=80', './a/b.js']],
    ['next start', ['next', 'start']],
  ])('of plain words needs no shell: %s', (line, argv) => {
    expect(toArgv(line)).toEqual(argv);
  });

  it.each([
    ['node server.js --port $PORT', 'exec node server.js --port $PORT'],
    ["node -e 'console.log(1)'", "node -e 'console.log(1)'"],
    ['NODE_ENV=test node a.js', 'NODE_ENV=test node a.js'],
    ['cd dist && node a.js', 'cd dist && node a.js'],
    ['exec node a.js', 'exec node a.js'],
    ['node a.js; rm -rf /', 'node a.js; rm -rf /'],
    ['node *.js', 'exec node *.js'],
  ])('otherwise goes through the shell of the image: %s', (line, command) => {
    expect(toArgv(line)).toEqual(['/bin/sh', '-c', command]);
  });
});
