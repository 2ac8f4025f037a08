import { describe, expect, it } from 'vitest';
import { InMemoryRouter } from './in-memory-router.js';
import { describeRouter } from './router.contract.js';

describeRouter('the fake', () =>
  Promise.resolve({ router: new InMemoryRouter(), close: () => Promise.resolve() }),
);

describe('the fake', () => {
  it('counts requests under way', async () => {
    const router = new InMemoryRouter();
    await router.apply([
      {
        kind: 'serve',
        endpoint: { instanceId: 'i1', appId: 'a1', host: '127.0.0.1', port: 1, weight: 1 },
      },
    ]);
    router.setSessions('i1', 2);
    expect((await router.observe()).endpoints.get('i1')?.sessions).toBe(2);
  });
});
