import { describe, expect, it } from 'vitest';
import { choosePublishAddress } from './publish-address.js';

describe('where ports of instances are published', () => {
  it('is the gateway of the default bridge where the host is reached through it', () => {
    expect(choosePublishAddress('172.17.0.1', ['172.17.0.0/16'])).toBe('172.17.0.1');
  });
  it('is loopback where the host is reached another way, as on a desktop engine', () => {
    expect(choosePublishAddress('192.168.65.254', ['172.17.0.0/16'])).toBe('127.0.0.1');
  });
  it('is loopback without containers in between', () => {
    expect(choosePublishAddress('127.0.0.1', ['172.17.0.0/16'])).toBe('127.0.0.1');
  });
  it('is loopback on an engine without a default bridge, or with one of IPv6 only', () => {
    expect(choosePublishAddress('172.17.0.1', [])).toBe('127.0.0.1');
    expect(choosePublishAddress('172.17.0.1', [undefined, 'fd00::/64'])).toBe('127.0.0.1');
  });
});
