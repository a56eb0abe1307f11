// How long to wait before trying again: doubling, with full jitter, so that
// a thousand tabs do not come back at the same instant.

export interface BackoffOptions {
  /** The first wait, in milliseconds. */
  first?: number;
  /** The longest wait, in milliseconds. */
  longest?: number;
  random?: () => number;
}

/** Counts failures; not shared between connections. */
export class Backoff {
  private failures = 0;
  private readonly first: number;
  private readonly longest: number;
  private readonly random: () => number;

  constructor(o: BackoffOptions = {}) {
    this.first = o.first ?? 500;
    this.longest = o.longest ?? 30_000;
    this.random = o.random ?? Math.random;
  }

  /** The next wait in milliseconds: between half of and the whole of the doubled step. */
  next(): number {
    const step = Math.min(this.longest, this.first * 2 ** Math.min(this.failures, 30));
    this.failures++;
    return Math.round(step / 2 + (step / 2) * this.random());
  }

  /** To be called when it works again. */
  reset(): void {
    this.failures = 0;
  }

  get tries(): number {
    return this.failures;
  }
}
