import { defineCommand } from '../command.js';
import { withNotice } from '../progress/progress-view.js';
import { durationText } from '../render/time.js';

export const rebuild = defineCommand({
  name: 'rebuild',
  args: [['[name]', 'one read model; default: all']],
  summary: 'rebuild read models from the log',
  details:
    'Queries are answered from the old ones until the new ones are complete. Running apps notice nothing.',
  examples: [
    ['rebuild', 'all of them'],
    ['rebuild apps', 'one of them'],
  ],
  run: async ({ args, client, io, out }) => {
    const api = await client();
    const result = await withNotice({ io, out }, 'rebuilding', api.platform.rebuild(args[0]));
    out.json(result);
    out.line(
      `Rebuilt ${result.rebuilt.join(', ')} from ${result.events} events in ${durationText(result.durationMs)}.`,
    );
  },
});
