// Keeps lines from being shown twice when an appended stream was interrupted
// and is asked again from where it began.
import { isRecord } from './env';
import { plainText } from './format';

const stamp = /^(\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d)(?:\.(\d{1,9}))?Z$/;
const maxSources = 4000;

interface Mark {
  time: string;
  /** The lines of that very time. */
  lines: Set<string>;
}

/** One for a stream. Each writer's lines come in the order of their times; that is what it goes by. */
export class Resume {
  private readonly last = new Map<string, Mark>();
  private floor: Map<string, Mark> | undefined;

  /** To be called when the stream begins again: what is known until now will not be taken again. */
  reopened(): void {
    this.floor = new Map([...this.last].map(([key, m]) => [key, { time: m.time, lines: new Set(m.lines) }]));
  }

  /** Whether a line is new. Lines without a time count as new. */
  take(line: unknown): boolean {
    if (!isRecord(line)) return true;
    const time = sortable(line.time);
    if (time === '') return true;
    const key = [plainText(line.pod), plainText(line.container), line.kind === 'notice'].join('\n');
    const text = plainText(line.line);
    const floor = this.floor?.get(key);
    if (floor && (time < floor.time || (time === floor.time && floor.lines.has(text)))) return false;
    const last = this.last.get(key);
    if (!last) {
      if (this.last.size < maxSources) this.last.set(key, { time, lines: new Set([text]) });
    } else if (time > last.time) {
      last.time = time;
      last.lines = new Set([text]);
    } else if (time === last.time && last.lines.size < 1000) last.lines.add(text);
    return true;
  }
}

/** RFC 3339 in UTC so that texts compare as times do; '' for anything else. */
function sortable(time: unknown): string {
  const m = typeof time === 'string' ? stamp.exec(time) : null;
  return m ? `${m[1]}.${(m[2] ?? '').padEnd(9, '0')}` : '';
}
