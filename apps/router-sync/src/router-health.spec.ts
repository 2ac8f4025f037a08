import { expect, it } from 'vitest';
import { routerHealth } from './router-health.js';

it('tells doctor how many apps are not routed as they should be, and not whose', () => {
  expect(routerHealth('nginx', 0)).toEqual({ ok: true, summary: 'keeps nginx' });
  expect(routerHealth('haproxy', 1)).toMatchObject({
    ok: false,
    summary:
      'keeps haproxy, which refuses what the log says of 1 app; its routes stay as they were',
    remedy: expect.stringContaining('app-quarantined') as string,
  });
  expect(routerHealth('haproxy', 2).summary).toContain('2 apps; their routes stay');
});
