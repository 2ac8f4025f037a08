import type { StartProcess } from '@shiplog/runtime';

export const startDeployer: StartProcess = () => Promise.reject(new Error('not built yet'));
