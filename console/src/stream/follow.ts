// A subscription that comes back: asks again when the connection was lost or
// the server could not answer for the moment, and says in which phase it is.
import { Backoff, type BackoffOptions } from './backoff';
import type { Head, StreamClient, Subscription } from './client';
import { type Problem, readProblem } from './protocol';

/** connecting: nothing yet. live: it flows. reconnecting: it did, and will again. The last two are final. */
export type Phase = 'connecting' | 'live' | 'reconnecting' | 'ended' | 'failed';

export interface FollowOptions {
  /** The path to ask for; asked at every try, so that it can resume where it was. */
  path(): string;
  accept?: string;
  /** Called when an answer begins that is no error: what was received half before is void. */
  onOpen?(head: Head): void;
  /** Called with the text as it comes. */
  onText(text: string): void | Promise<void>;
  /** Called at every change of phase. */
  onPhase(phase: Phase, problem?: Problem): void;
  /** Called when an answer ended by itself; true asks again. Without it the following is over. */
  onEnd?(): boolean;
  /** Called with an error; decides whether asking again helps. By default what is the server's or momentary. */
  retry?(problem: Problem): boolean;
  backoff?: BackoffOptions;
}

/** Errors that may go away by themselves. */
export function isMomentary(problem: Problem): boolean {
  const s = problem.status;
  return s === undefined || s === 408 || s === 425 || s === 429 || s >= 500;
}

/** An answer that flowed for so long (milliseconds) was a good one. */
const settled = 5000;

/** The largest error answer that is read, in UTF-16 units. */
const maxErrorText = 64 << 10;

/** Follows a path until it ends, fails for good or is closed. */
export function follow(client: StreamClient, o: FollowOptions): Subscription {
  const backoff = new Backoff({ first: 1000, ...o.backoff });
  let closed = false;
  let was = false;
  let openedAt = 0;
  let current: Subscription | undefined;
  let giveUp = () => {};
  let timer: ReturnType<typeof setTimeout> | undefined;

  const finish = (phase: Phase, problem?: Problem) => {
    closed = true;
    o.onPhase(phase, problem);
  };

  const again = (problem: Problem | undefined, wait: number) => {
    if (closed) return;
    o.onPhase(was ? 'reconnecting' : 'connecting', problem);
    timer = setTimeout(ask, wait);
  };

  // A peer that answers and ends at once, again and again, must not be asked without a pause.
  const pause = () => {
    if (openedAt === 0 || Date.now() - openedAt < settled) return backoff.next();
    backoff.reset();
    return 0;
  };

  const fail = (problem: Problem) => {
    const retry = o.retry ? o.retry(problem) : isMomentary(problem);
    if (retry) again(problem, Math.max(pause() || backoff.next(), (problem.retryAfter ?? 0) * 1000));
    else finish('failed', problem);
  };

  const ask = () => {
    if (closed) return;
    openedAt = 0;
    giveUp = client.whenConnected(() => {
      if (closed) return;
      let refused: number | undefined;
      let text = '';
      let flowing = false;
      current = client.open(
        o.path(),
        {
          head(head) {
            if (head.status >= 400) {
              refused = head.status;
              return;
            }
            flowing = was = true;
            openedAt = Date.now();
            o.onOpen?.(head);
            if (!closed) o.onPhase('live');
          },
          data(piece) {
            if (refused !== undefined) {
              if (text.length < maxErrorText) text += piece.slice(0, maxErrorText);
              return;
            }
            if (flowing) return o.onText(piece);
          },
          end(end) {
            if (closed) return;
            if (end.kind === 'failed') fail(end.problem);
            else if (refused !== undefined) fail(readProblem(text, refused));
            else if (end.kind === 'lost') again(undefined, 0);
            else if (o.onEnd?.()) again(undefined, pause());
            else if (!closed) finish('ended');
          },
        },
        o.accept,
      );
    });
  };

  o.onPhase('connecting');
  ask();
  return {
    close() {
      closed = true;
      clearTimeout(timer);
      giveUp();
      current?.close();
    },
  };
}
