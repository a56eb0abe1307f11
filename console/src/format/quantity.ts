// Quantities of Kubernetes ("250m", "211Mi") as numbers, and in the console's words with their unit apart.

const suffixes: Record<string, number> = {
  n: 1e-9,
  u: 1e-6,
  m: 1e-3,
  '': 1,
  k: 1e3,
  M: 1e6,
  G: 1e9,
  T: 1e12,
  P: 1e15,
  E: 1e18,
  Ki: 2 ** 10,
  Mi: 2 ** 20,
  Gi: 2 ** 30,
  Ti: 2 ** 40,
  Pi: 2 ** 50,
  Ei: 2 ** 60,
};

/** Reads a number, or a quantity in its base unit (cores, bytes); undefined for anything else. */
export function readQuantity(value: unknown): number | undefined {
  if (typeof value === 'number') return Number.isFinite(value) ? value : undefined;
  if (typeof value !== 'string') return undefined;
  const match = /^([+-]?\d{1,30}(?:\.\d{1,30})?(?:[eE][+-]?\d{1,3})?)(n|u|m|k|M|G|T|P|E|Ki|Mi|Gi|Ti|Pi|Ei)?$/.exec(
    value.trim(),
  );
  if (!match) return undefined;
  const n = Number(match[1]) * suffixes[match[2] ?? '']!;
  return Number.isFinite(n) ? n : undefined;
}

/** A number and its unit, to be shown apart. */
export type Said = [value: string, unit: string];

/** Cores: "182 m" below one, "1.36 cores" above. */
export function sayCpu(cores: number): Said {
  if (cores > 0 && cores < 0.0005) return ['<1', 'm'];
  if (cores < 1) return [String(Math.round(cores * 1000)), 'm'];
  return [cores.toFixed(cores < 10 ? 2 : cores < 100 ? 1 : 0), 'cores'];
}

/** Bytes in the largest binary unit that leaves a number above one: "211 Mi", "1.36 Gi". */
export function sayMemory(bytes: number): Said {
  const units = ['B', 'Ki', 'Mi', 'Gi', 'Ti'];
  let value = bytes;
  let unit = 0;
  while (value >= 1024 && unit < units.length - 1) {
    value /= 1024;
    unit++;
  }
  return [unit < 3 || value >= 100 ? String(Math.round(value)) : value.toFixed(value < 10 ? 2 : 1), units[unit]!];
}
