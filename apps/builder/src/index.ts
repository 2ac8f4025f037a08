import type { StartProcess } from '@shiplog/runtime';

export const startBuilder: StartProcess = () => Promise.reject(new Error('not built yet'));
