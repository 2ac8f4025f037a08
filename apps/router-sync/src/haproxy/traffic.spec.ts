import { expect, it } from 'vitest';
import { parseTraffic } from './traffic.js';

it('what HAProxy counted of each server is read by the names of its columns', () => {
  const text = [
    '# pxname,svname,eresp,hrsp_1xx,hrsp_2xx,hrsp_3xx,hrsp_4xx,hrsp_5xx,hrsp_other,rtime',
    'slot0001,s1,2,1,90,3,4,5,0,17',
    'slot0001,s2,0,0,0,0,0,0,0,0',
    '',
  ].join('\n');
  expect([...parseTraffic(text)]).toEqual([
    ['s1', { requests: 105, errors: 7, meanMs: 17 }],
    ['s2', { requests: 0, errors: 0, meanMs: 0 }],
  ]);
  expect(parseTraffic('\n').size).toBe(0);
});
