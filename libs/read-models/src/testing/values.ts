import { createHash } from 'node:crypto';
import type { Explanation, Image } from '@shiplog/events';

export const digestOf = (text: string): string =>
  `sha256:${createHash('sha256').update(text).digest('hex')}`;

export const imageOf = (buildId: string): Image => ({
  id: digestOf(`image of ${buildId}`),
  ref: `shiplog/${buildId}`,
  sizeBytes: 94_000_000,
  exposedPorts: [8080],
  repoDigest: null,
});

export const explanationOf = (code: string): Explanation => ({
  code,
  summary: `the instance did not become ready: ${code}`,
  remedy: 'read the last lines it wrote',
  tried: 'started it 3 times',
  probe: 'connection refused',
  listening: ['127.0.0.1:3000'],
  exitCode: 1,
  oomKilled: false,
  instanceId: null,
  logLines: ['Error: boom'],
});
