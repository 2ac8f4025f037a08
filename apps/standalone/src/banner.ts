import type { Ready } from './ready-file.js';

export interface BannerFacts {
  readonly ready: Ready;
  readonly home: string;
  /** The folder of the `shiplog` program. */
  readonly checkout: string;
  /** The home is not where other programs would look for it. */
  readonly isHomeChosen: boolean;
  readonly seconds: string;
  /** Only when the sample was deployed just now. */
  readonly sampleUrl: string | undefined;
}

/** What a person wants to know when everything runs: where things are, and what to try next. */
export const banner = (facts: BannerFacts): string => {
  const { ready, home, seconds, sampleUrl } = facts;
  return `
  Shiplog ${ready.version} is ready (${seconds} s)

    API       ${ready.api}
    Git       ${ready.git}/<app>.git
    Apps      ${ready.router.replace('://', '://<app>.')}
    Data      ${home}
    Token     ${home}/credentials.json  (yours only)
${sampleUrl === undefined ? '' : `\n    The sample answers at  ${sampleUrl}\n`}
  Try next, in another terminal:

${toTry(facts)
  .map((line) => `    ${line}\n`)
  .join('')}
  Ctrl-C stops the control plane; apps and their routing go on. \`shiplog down --apps\` stops all.
`;
};

const toTry = ({ checkout, isHomeChosen, home, sampleUrl }: BannerFacts): readonly string[] => [
  `export PATH="${checkout}:$PATH"`,
  ...(isHomeChosen ? [`export SHIPLOG_HOME="${home}"`] : []),
  ...(sampleUrl === undefined
    ? ['shiplog apps list']
    : [
        'shiplog ps -a hello                  # instances, with CPU and memory',
        'shiplog scale -a hello web=3',
      ]),
  'shiplog apps create myapp',
  'cd ~/code/myapp && shiplog git remote -a myapp && git push shiplog main',
  'shiplog events -f                    # everything that happens, from the log',
  'shiplog doctor',
];
