// Who wrote a line: a short name for each pod and container and one of the
// eight series colours, the same for as long as the log is open.

export interface Source {
  key: string;
  pod: string;
  container: string;
  /** The pod's name without the hash in its middle. */
  short: string;
  /** 1 to 8. */
  colour: number;
}

// name-<template hash>-<five letters> of a Deployment's pod, name-<time>-<five letters> of a CronJob's.
const generated = /^(.+)-(?:[bcdfghjklmnpqrstvwxz2456789]{6,10}|\d{8})-([a-z0-9]{5})$/;

/** A pod's name without the part that says nothing to a person. */
export function shortPod(pod: string): string {
  const m = generated.exec(pod);
  // A word of six to ten consonants alone is a name, not a hash.
  return m && /\d/.test(pod.slice(m[1]!.length, -6)) ? `${m[1]}-${m[2]}` : pod;
}

/** The sources seen so far; one for each log. */
export class Sources {
  private readonly byKey = new Map<string, Source>();
  private readonly taken: number[] = [0, 0, 0, 0, 0, 0, 0, 0];
  private readonly podSet = new Set<string>();

  /** The source of a line; the first line of a source decides its colour. */
  of(pod: string, container: string): Source {
    const key = `${pod}\n${container}`;
    let s = this.byKey.get(key);
    if (!s) {
      s = { key, pod, container, short: shortPod(pod), colour: this.pick(key) };
      // Bounded: names that come after the first thousand share what is there.
      if (this.byKey.size < 1000) {
        this.byKey.set(key, s);
        if (pod) this.podSet.add(pod);
      }
    }
    return s;
  }

  /** The name decides, so that it is the same tomorrow; a colour that is taken gives way to a free one. */
  private pick(key: string): number {
    let hash = 2166136261;
    for (let i = 0; i < key.length; i++) hash = Math.imul(hash ^ key.charCodeAt(i), 16777619);
    const least = Math.min(...this.taken);
    // The first four are solid and told apart best: the others come when those are taken.
    const half = this.taken.slice(0, 4).includes(least) ? 0 : 4;
    let slot = (hash >>> 0) % 4;
    while (this.taken[half + slot] !== least) slot = (slot + 1) % 4;
    this.taken[half + slot]!++;
    return half + slot + 1;
  }

  get pods(): number {
    return this.podSet.size;
  }

  get containers(): number {
    return this.byKey.size;
  }

  all(): Source[] {
    return [...this.byKey.values()];
  }
}
