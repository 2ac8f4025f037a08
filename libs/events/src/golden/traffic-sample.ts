import type { TrafficPolicy } from '../traffic.js';

/** Every part of a policy. */
export const trafficSample: TrafficPolicy = {
  sticky: true,
  rate: { requests: 20, per: 'second', burst: 40, by: 'header:x-api-key' },
  concurrency: { perInstance: 50, queue: 200 },
  bodyBytes: 10_485_760,
  responseSeconds: 120,
  tunnelSeconds: 7200,
  allow: ['10.0.0.0/8', '2001:db8::/32'],
  deny: ['10.6.6.0/24'],
  requestHeaders: { set: { 'x-tenant': 'shop "north"; 50 %' }, remove: ['x-debug'] },
  responseHeaders: { set: { 'x-frame-options': 'DENY' }, remove: ['server', 'x-powered-by'] },
};
