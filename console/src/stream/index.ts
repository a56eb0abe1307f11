// What the rest of the console may use of the tab's one live connection.
export { type ConnectionState, type End, type Handlers, StreamClient, type Subscription } from './client';
export { type FollowOptions, follow, isMomentary, type Phase } from './follow';
export { LineSplitter } from './ndjson';
export { type Problem, parseJson, readProblem } from './protocol';
export { StreamProvider, useConnectionState, useListWatch, useStreamClient } from './react';
export { type KubeObject, ListWatch, objectKey, type WatchOptions, type WatchSnapshot, withQuery } from './watch';
