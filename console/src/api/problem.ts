// What went wrong with a call, in one shape: RFC 9457 problems of the core and Statuses of Kubernetes.
import { type Problem, readProblem } from '../stream';

/** What a problem says of itself, in a sentence. */
export const sentence = (problem: Problem): string => problem.detail ?? problem.title;

/** A call that was answered with an error, or not at all (status undefined). */
export class ApiError extends Error {
  readonly problem: Problem;
  constructor(problem: Problem) {
    super(sentence(problem));
    this.name = 'ApiError';
    this.problem = problem;
  }
  get status(): number | undefined {
    return this.problem.status;
  }
}

/** Reads an error of any kind as a problem that can be shown. */
export function problemOf(error: unknown): Problem {
  if (error instanceof ApiError) return error.problem;
  if (error instanceof Error && error.message !== '')
    return { title: 'The server did not answer', detail: error.message };
  return readProblem(error);
}
