// The REST API with the types that are generated from its description: a path, a parameter or a body that it does not know is an error of the type check.
import createClient from 'openapi-fetch';
import { exchange } from './client';
import type { paths } from './schema';

/** The REST API. Every method gives a promise for `done`. */
export const rest = createClient<paths>({ baseUrl: window.location.origin, fetch: exchange });

/** What was answered. Throws ApiError when it was refused or there was no answer. */
export async function done<T>(answer: Promise<{ data?: T }>): Promise<T> {
  return (await answer).data as T;
}
