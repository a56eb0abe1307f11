// What the rest of the console may use to show a log.
export { defaultCap, LogBuffer, type LogLine, type RawLine } from './buffer';
export { type LogPhase, LogView, type LogViewProps } from './LogView';
