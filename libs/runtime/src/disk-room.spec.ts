import { tmpdir } from 'node:os';
import { describe, expect, it } from 'vitest';
import { diskObstacle } from './disk-room.js';

describe('room on the disk of the log', () => {
  it('is no obstacle where there is enough', async () => {
    expect(await diskObstacle(tmpdir(), 1)()).toBeUndefined();
  });

  it('names folder, what is free and what is needed', async () => {
    const reason = await diskObstacle(tmpdir(), Number.MAX_SAFE_INTEGER)();
    expect(reason).toMatch(/the log's disk is full \(\d+ MB free in .+, \d+ MB are needed\)/);
    expect(reason).toContain(tmpdir());
  });

  it('is that of the nearest parent where the folder is not here', async () => {
    expect(await diskObstacle('/nowhere/at/all', 1)()).toBeUndefined();
    expect(await diskObstacle('/nowhere/at/all', Number.MAX_SAFE_INTEGER)()).toContain(
      'free in /,',
    );
  });
});
