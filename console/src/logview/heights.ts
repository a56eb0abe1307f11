// Where each line of a virtualised log stands. Lines are added at the end and
// dropped at the front all the time, and some turn out higher than thought; in
// blocks each of that costs the same however long the log is.
// (A general virtualiser rebuilds a table of all rows when the front moves.)

const size = 256;

interface Block {
  heights: Float32Array;
  sum: number;
}

/** Heights in pixels of the lines `first` up to, not including, `end`. */
export class Heights {
  private blocks: Block[] = [];
  /** Number of the block that `blocks[0]` is. */
  private base = 0;
  first = 0;
  end = 0;
  private sum = 0;

  constructor(private readonly guess: (seq: number) => number) {}

  /** The height of everything. */
  get total(): number {
    return this.sum;
  }

  /** Forgets everything and begins with the lines from `first` up to `end`. */
  reset(first: number, end: number): void {
    this.blocks = [];
    this.base = Math.floor(first / size);
    this.first = this.end = first;
    this.sum = 0;
    this.grow(end);
  }

  /** Adds lines at the end, each as high as it is thought to be. */
  grow(end: number): void {
    for (; this.end < end; this.end++) {
      const i = Math.floor(this.end / size) - this.base;
      this.blocks[i] ??= { heights: new Float32Array(size), sum: 0 };
      this.put(this.blocks[i]!, this.end % size, this.guess(this.end));
    }
  }

  /** Drops the lines before `first`; gives the height that went. */
  drop(first: number): number {
    const before = this.sum;
    const to = Math.min(first, this.end);
    while (this.first < to) {
      const block = this.blocks[0];
      const next = (this.base + 1) * size;
      if (block && next <= to) {
        this.sum -= block.sum;
        this.blocks.shift();
        this.base++;
        this.first = next;
      } else {
        if (block) this.put(block, this.first % size, 0);
        this.first++;
      }
    }
    if (first > this.end) this.reset(first, first);
    if (this.first === this.end) this.sum = 0;
    return before - this.sum;
  }

  /** Sets the height that a line really has; gives by how much it changed. */
  set(seq: number, height: number): number {
    const block = seq >= this.first && seq < this.end ? this.blocks[Math.floor(seq / size) - this.base] : undefined;
    return block ? this.put(block, seq % size, height) : 0;
  }

  get(seq: number): number {
    return this.blocks[Math.floor(seq / size) - this.base]?.heights[seq % size] ?? 0;
  }

  /** How far below the top a line begins. */
  offset(seq: number): number {
    const to = Math.max(this.first, Math.min(seq, this.end));
    const last = Math.floor(to / size) - this.base;
    let y = 0;
    for (let i = 0; i < last && i < this.blocks.length; i++) y += this.blocks[i]!.sum;
    const block = this.blocks[last];
    if (block) for (let i = 0; i < to % size; i++) y += block.heights[i]!;
    return y;
  }

  /** The line at a distance from the top; the last one when it is beyond the end. */
  at(y: number): number {
    let rest = Math.max(0, y);
    for (let i = 0; i < this.blocks.length; i++) {
      const block = this.blocks[i]!;
      if (rest >= block.sum && i < this.blocks.length - 1) {
        rest -= block.sum;
        continue;
      }
      const start = (this.base + i) * size;
      for (let k = Math.max(0, this.first - start); k < size && start + k < this.end; k++) {
        if (rest < block.heights[k]!) return start + k;
        rest -= block.heights[k]!;
      }
    }
    return Math.max(this.first, this.end - 1);
  }

  private put(block: Block, i: number, height: number): number {
    const change = Math.fround(height) - block.heights[i]!;
    block.heights[i] = height;
    block.sum += change;
    this.sum += change;
    return change;
  }
}
