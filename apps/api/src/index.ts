import type { StartProcess } from '@shiplog/runtime';

export const startApi: StartProcess = () => Promise.reject(new Error('not built yet'));
