import type { Ready } from './ready-file.js';

/** What a person wants to know when everything runs: where things are, and what to try next. */
export const banner = (ready: Ready, home: string, seconds: string, sampleUrl?: string): string => `
  Shiplog ${ready.version} is ready (${seconds} s)

    API       ${ready.api}
    Git       ${ready.git}/<app>.git
    Apps      ${ready.router.replace('://', '://<app>.')}
    Data      ${home}
    Token     ${home}/credentials.json  (yours only)
${sampleUrl === undefined ? '' : `\n    The sample answers at  ${sampleUrl}\n`}
  Try next, in another terminal:

    ./shiplog apps create myapp            # from this folder, or put it on your PATH
    cd ~/code/myapp && shiplog git remote -a myapp && git push shiplog main
    ./shiplog ps -a hello                  # instances, with CPU and memory
    ./shiplog scale -a hello web=3
    ./shiplog events -f                    # everything that happens, from the log
    ./shiplog doctor

  Ctrl-C stops the control plane; apps and their routing go on. ./shiplog down --apps stops all.
`;
