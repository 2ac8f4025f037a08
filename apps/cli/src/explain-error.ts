import { ApiError, UnusableNameError, type ShiplogClient } from '@shiplog/api-client';
import { usageError } from './exit-code.js';
import { closest } from './closest.js';

const APPS = 'The apps you can see: shiplog apps list';

/** Makes an error say more where more is known: an app that does not exist may have a namesake. */
export const explainError = async (
  error: unknown,
  asked: string | undefined,
  client: () => Promise<ShiplogClient>,
): Promise<unknown> => {
  if (error instanceof UnusableNameError) return usageError(error.message);
  if (!(error instanceof ApiError) || error.code !== 'app-not-found') return error;
  const names = await namesOfApps(client);
  const similar = asked === undefined ? undefined : closest(asked, names);
  const remedy = [
    // It exists now, and did not at the moment that was asked for.
    ...(similar === undefined || similar === asked ? [] : [`Did you mean ${similar}?`]),
    ...(error.message.includes('shiplog apps list') ? [] : [APPS]),
  ].join('\n');
  return remedy === '' ? error : new ApiError({ ...error.problem, remedy });
};

/** None when they cannot be had: the error that is being explained matters more. */
const namesOfApps = async (client: () => Promise<ShiplogClient>): Promise<string[]> => {
  try {
    return (await (await client()).apps.list({})).map(({ name }) => name);
  } catch (error) {
    if (error instanceof Error) return [];
    throw error;
  }
};
