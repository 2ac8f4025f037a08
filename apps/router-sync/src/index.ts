import type { StartProcess } from '@shiplog/runtime';

export const startRouterSync: StartProcess = () => Promise.reject(new Error('not built yet'));
