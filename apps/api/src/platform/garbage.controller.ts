import { Controller, Inject } from '@nestjs/common';
import type { ProcessContext } from '@shiplog/runtime';
import { z } from 'zod';
import { sequenceAt, type Reply } from '../http/answer.js';
import type { Admitted } from '../http/door.js';
import { Admission, Handles } from '../http/route.decorator.js';
import { CONTEXT } from '../injection.js';
import * as routes from './garbage.routes.js';

const items = z.object({
  items: z.array(
    z.object({
      kind: z.string(),
      id: z.string(),
      appId: z.string().nullable(),
      reason: z.string(),
      bytes: z.number().nullable(),
    }),
  ),
});
const changed = z.object({ position: z.string() });

/** Collecting stops and removes things one at a time. */
const RUN_TIMEOUT_MS = 120_000;

/** What is collected is the business of the gc: it is asked, and it alone writes its stream. */
@Controller()
export class GarbageController {
  constructor(@Inject(CONTEXT) private readonly api: ProcessContext) {}

  @Handles(routes.previewGarbage)
  async preview(): Reply<typeof routes.previewGarbage> {
    const answer = items.parse(await this.api.bus.request('gc', 'preview', {}));
    return { body: answer.items, position: this.api.world.position };
  }

  @Handles(routes.collectGarbage)
  async collect(): Reply<typeof routes.collectGarbage> {
    const options = { timeoutMs: RUN_TIMEOUT_MS };
    const answer = items.parse(await this.api.bus.request('gc', 'run', {}, options));
    return { body: answer.items, position: this.api.world.position };
  }

  @Handles(routes.showGarbagePolicy)
  showPolicy(): Reply<typeof routes.showGarbagePolicy> {
    return Promise.resolve({ body: this.policy(), position: this.api.world.position });
  }

  @Handles(routes.changeGarbagePolicy)
  async changePolicy(
    @Admission() { body, context }: Admitted<typeof routes.changeGarbagePolicy>,
  ): Reply<typeof routes.changeGarbagePolicy> {
    const { actor, origin, reason, command } = context;
    const answer = await this.api.bus.request('gc', 'policy', {
      ...body,
      context: { actor, origin, reason, command },
    });
    const { position } = changed.parse(answer);
    await this.api.feed.reach(position);
    return { body: { sequence: sequenceAt(position), ...this.policy() }, position };
  }

  private policy() {
    const { exitedKept, minimumAgeSeconds } = this.api.world.get(
      'garbage',
      this.api.config.nodeId,
    ).state;
    return { exitedKept, minimumAgeSeconds };
  }
}
