/** For `doctor`. Whose they are is not for everybody to know who may ask. */
export const routerHealth = (kind: string, quarantined: number) =>
  quarantined === 0
    ? { ok: true, summary: `keeps ${kind}` }
    : {
        ok: false,
        summary: `keeps ${kind}, which refuses what the log says of ${quarantined} ${quarantined === 1 ? 'app; its routes stay' : 'apps; their routes stay'} as they were`,
        remedy:
          'the log of router-sync names each with the reason (app-quarantined); another deploy of it is tried at once',
      };
