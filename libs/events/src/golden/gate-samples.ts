const appId = '01936f3e-8d1a-7c52-9f00-a1b2c3d4e5f6';
const by = { kind: 'user' as const, id: '01936f3e-8d1a-7c52-9f00-00000000d001', name: 'ada' };
const since = '2026-11-21T10:00:00.000Z';

/** Of locks, maintenance and freeze windows. */
export const gateSamples = {
  AppLocked: {
    appId,
    by,
    why: 'the auditors look at it',
    since,
    until: '2026-11-21T18:00:00.000Z',
  },
  AppUnlocked: { appId },
  MaintenanceChanged: {
    appId,
    maintenance: {
      by,
      why: 'the database moves',
      since,
      page: '<h1>Back soon</h1>',
      allow: ['10.0.0.0/8'],
    },
  },
  LockOverridden: { appId, by, why: 'the auditors look at it', since },
  FreezeOverridden: {
    appId,
    freeze: 'weekend',
    ofPlatform: true,
    until: '2026-11-23T07:00:00.000Z',
  },
  FreezeAdded: {
    appId: null,
    freeze: 'weekend',
    window: { kind: 'weekly' as const, from: 'FRI 16:00', until: 'MON 08:00' },
    timeZone: 'Europe/Berlin',
    why: 'nobody is there',
  },
  FreezeRemoved: { appId: null, freeze: 'weekend' },
};
