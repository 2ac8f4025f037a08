import type { HttpsEvent, HttpsPolicy } from '@shiplog/events';
import { accept, type Decider } from '../decider.js';

export type HttpsCommand = { type: 'ChangeHttpsPolicy'; appId: string } & Partial<HttpsPolicy>;
export type HttpsState = { readonly status: 'known' } & HttpsPolicy;

/** How an app deals with HTTPS. Counts for those of its hosts that have a certificate. */
export const https: Decider<HttpsState, HttpsCommand, HttpsEvent, never> = {
  initialState: { status: 'known', redirect: true, hstsSeconds: null },
  decide: ({ appId, redirect, hstsSeconds }, state) => {
    const data = {
      appId,
      redirect: redirect ?? state.redirect,
      hstsSeconds: hstsSeconds === undefined ? state.hstsSeconds : hstsSeconds,
    };
    return data.redirect === state.redirect && data.hstsSeconds === state.hstsSeconds
      ? accept()
      : accept({ type: 'HttpsPolicyChanged', v: 1, data });
  },
  evolve: (state, { data: { redirect, hstsSeconds } }) => ({ ...state, redirect, hstsSeconds }),
};
