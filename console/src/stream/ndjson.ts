// Cuts a stream of text pieces into lines, whatever the pieces' borders are.

/** A line longer than this (UTF-16 units) is cut there and its rest dropped: memory is bounded. */
export const maxLine = 1 << 20;

/** Not shared: one splitter for one stream. */
export class LineSplitter {
  private rest = '';
  private skipping = false;
  /** How many lines were longer than the limit so far. */
  overlong = 0;

  constructor(private readonly limit = maxLine) {}

  /** Takes a piece, gives the lines that it completed (without their line ends; empty lines are left out). */
  push(piece: string): string[] {
    const lines: string[] = [];
    let at = 0;
    for (;;) {
      const end = piece.indexOf('\n', at);
      if (end < 0) break;
      this.take(piece.slice(at, end), lines);
      at = end + 1;
    }
    this.keep(at === 0 ? piece : piece.slice(at));
    return lines;
  }

  /** The last line when the stream ended without a line end. */
  flush(): string[] {
    const lines: string[] = [];
    this.take('', lines);
    return lines;
  }

  private keep(part: string): void {
    if (this.skipping) return;
    this.rest += part;
    if (this.rest.length > this.limit) this.cut();
  }

  private cut(): void {
    this.rest = this.rest.slice(0, this.limit);
    this.skipping = true;
    this.overlong++;
  }

  private take(part: string, lines: string[]): void {
    if (!this.skipping) {
      this.rest += part;
      if (this.rest.length > this.limit) this.cut();
    }
    const line = this.rest.endsWith('\r') ? this.rest.slice(0, -1) : this.rest;
    this.rest = '';
    this.skipping = false;
    if (line !== '') lines.push(line);
  }
}
