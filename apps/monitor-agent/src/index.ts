import type { StartProcess } from '@shiplog/runtime';

export const startMonitorAgent: StartProcess = () => Promise.reject(new Error('not built yet'));
