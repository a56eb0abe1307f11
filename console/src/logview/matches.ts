// Which of the kept lines match a search, kept up while lines come and go, so
// that counting and jumping never read the whole log again.
import { stripControls } from './ansi';
import type { LogBuffer } from './buffer';
import type { Matcher } from './match';

/** So many lines are searched in one go; the rest follows with the next frame. */
const portion = 20_000;

/** One for a buffer and a search; not shared. */
export class Matches {
  private found: number[] = [];
  private head = 0;
  private next = 0;

  constructor(
    private readonly buffer: LogBuffer,
    readonly matcher: Matcher,
  ) {
    this.next = buffer.first;
  }

  /** Searches what is new; true when there is more to do. */
  catchUp(): boolean {
    const { first, end } = this.buffer;
    while (this.head < this.found.length && this.found[this.head]! < first) this.head++;
    if (this.head > 4096 && this.head * 2 > this.found.length) {
      this.found = this.found.slice(this.head);
      this.head = 0;
    }
    this.next = Math.max(this.next, first);
    const until = Math.min(end, this.next + portion);
    for (; this.next < until; this.next++) {
      const line = this.buffer.at(this.next);
      if (line && !line.notice && this.matcher.test(stripControls(line.text))) this.found.push(this.next);
    }
    return this.next < end;
  }

  get count(): number {
    return this.found.length - this.head;
  }

  /** The match after a line (before it when backwards), going round at the ends; undefined when there is none. */
  beside(seq: number, backwards: boolean): number | undefined {
    if (this.count === 0) return undefined;
    const at = this.position(backwards ? seq : seq + 1);
    if (backwards) return this.found[at > this.head ? at - 1 : this.found.length - 1];
    return this.found[at < this.found.length ? at : this.head];
  }

  /** Which match of all a line is, counted from one; 0 when it is none. */
  rank(seq: number): number {
    const at = this.position(seq);
    return this.found[at] === seq ? at - this.head + 1 : 0;
  }

  /** The first place with a number that is not smaller. */
  private position(seq: number): number {
    let low = this.head;
    let high = this.found.length;
    while (low < high) {
      const middle = (low + high) >> 1;
      if (this.found[middle]! < seq) low = middle + 1;
      else high = middle;
    }
    return low;
  }
}
