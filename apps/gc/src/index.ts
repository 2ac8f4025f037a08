import type { StartProcess } from '@shiplog/runtime';

export const startGc: StartProcess = () => Promise.reject(new Error('not built yet'));
