/**
 * A place where tests kill a process: with SHIPLOG_FAULT=<name> in its environment the process ends
 * itself here with SIGKILL, as if the machine had lost it between two steps. Without it, nothing.
 * Names begin with the process (`deployer/after-create`), so that in `standalone` they are unique.
 */
export const faultPoint = (name: string): void => {
  if (process.env['SHIPLOG_FAULT'] === name) process.kill(process.pid, 'SIGKILL');
};
