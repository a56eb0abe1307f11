// A feed of snapshots over the stream: the core sends the whole answer at the start and at each change.
import { useEffect, useMemo, useState } from 'react';
import {
  follow,
  LineSplitter,
  type Phase,
  type Problem,
  parseJson,
  type StreamClient,
  useStreamClient,
} from '../stream';

export type Feed<T> = {
  phase: Phase;
  /** The last answer; it stays while the connection is away. */
  value: T | undefined;
  problem: Problem | undefined;
};

/** Follows a path that answers lines of `{"type":"SNAPSHOT","object":…}`. Gives the function that stops it. */
export function followSnapshots<T>(client: StreamClient, path: string, tell: (feed: Feed<T>) => void): () => void {
  let feed: Feed<T> = { phase: 'connecting', value: undefined, problem: undefined };
  let lines = new LineSplitter();
  const change = (next: Partial<Feed<T>>) => {
    feed = { ...feed, ...next };
    tell(feed);
  };
  const following = follow(client, {
    path: () => path,
    onOpen: () => {
      lines = new LineSplitter();
    },
    onText: (text) => {
      let value: T | undefined;
      for (const line of lines.push(text)) {
        const message = parseJson(line) as { type?: unknown; object?: unknown } | undefined;
        if (message?.type === 'SNAPSHOT' && message.object) value = message.object as T;
      }
      if (value !== undefined) change({ value, problem: undefined });
    },
    onPhase: (phase, problem) => change({ phase, problem }),
    onEnd: () => true,
  });
  return () => following.close();
}

/** A feed for a component; nothing is asked for an undefined path. */
export function useSnapshots<T>(path: string | undefined): Feed<T> {
  const client = useStreamClient();
  const start = useMemo<Feed<T>>(() => ({ phase: 'connecting', value: undefined, problem: undefined }), []);
  const [state, setState] = useState<{ path: string | undefined; feed: Feed<T> }>({ path, feed: start });
  useEffect(() => {
    if (path === undefined) return;
    return followSnapshots<T>(client, path, (feed) => setState({ path, feed }));
  }, [client, path]);
  return state.path === path ? state.feed : start;
}
