import { z } from 'zod';
import type { AppDocument } from '@shiplog/read-models';

export const tcpPort = z
  .object({
    port: z.number().int().describe('Port of the router.'),
    process: z.string().describe('Process type that connections go to.'),
    containerPort: z
      .number()
      .int()
      .nullable()
      .describe('Where the process listens in its container; null: at the port of `web`.'),
  })
  .meta({ id: 'Port' });

/** In ascending order. */
export const portsShown = ({ ports }: Pick<AppDocument, 'ports'>): z.infer<typeof tcpPort>[] =>
  Object.entries(ports)
    .map(([port, known]) => ({ port: Number(port), ...known }))
    .toSorted((a, b) => a.port - b.port);
