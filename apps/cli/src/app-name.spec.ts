import { describe, expect, it } from 'vitest';
import { appsOfRemotes } from './app-name.js';

describe('the app of a git remote', () => {
  it.each([
    ['remote.shiplog.url http://127.0.0.1:4600/git/shop.git', ['shop']],
    ['remote.origin.url https://x:shp_secret@paas.example.com/base/git/my-app.git/', ['my-app']],
    ['remote.origin.url git@github.com:me/shop.git', []],
    ['remote.origin.url https://github.com/git/git', []],
    ['remote.origin.url http://h/git/Bad_Name.git', []],
    ['', []],
  ])('%s → %j', (listing, apps) => {
    expect(appsOfRemotes(listing)).toEqual(apps);
  });

  it('is that of the remote named shiplog when there are several', () => {
    const listing = 'remote.a.url http://h/git/one.git\nremote.shiplog.url http://h/git/two.git\n';
    expect(appsOfRemotes(listing)).toEqual(['two']);
  });

  it('is asked for when several are equally good', () => {
    const listing = 'remote.a.url http://h/git/one.git\nremote.b.url http://h/git/two.git\n';
    expect(appsOfRemotes(listing)).toEqual(['one', 'two']);
  });
});
