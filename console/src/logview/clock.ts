// The time of a line in its column: UTC, to the millisecond, with the day when
// it is not today's.

const stamp = /^(\d{4})-(\d\d)-(\d\d)T(\d\d:\d\d:\d\d)(?:\.(\d{1,9}))?Z$/;

/** "14:17:41.377", or "11-22 14:17:41" of another day than `today` ("2026-11-23"); what is no time stays as it is, shortened. */
export function clockOf(time: string, today: string): string {
  let m = stamp.exec(time);
  if (!m) {
    const at = time === '' ? Number.NaN : Date.parse(time);
    if (Number.isNaN(at)) return time.slice(0, 14);
    m = stamp.exec(new Date(at).toISOString());
    if (!m) return time.slice(0, 14);
  }
  const [, year, month, day, clock, fraction = ''] = m;
  if (`${year}-${month}-${day}` !== today) return `${month}-${day} ${clock}`;
  return `${clock}.${fraction.slice(0, 3).padEnd(3, '0')}`;
}

/** Today in UTC, "2026-11-23". */
export const todayUtc = (): string => new Date().toISOString().slice(0, 10);
