// A log as text: for the clipboard and as a file.
import { stripControls } from './ansi';
import type { LogBuffer, LogLine } from './buffer';

/** One line as a person would paste it: time, pod and container when there are several, text. */
export function lineText(line: LogLine, withSource: boolean): string {
  const { pod, container } = line.source;
  const source = withSource && pod ? `${pod}${container ? `/${container}` : ''} ` : '';
  return `${line.time ? `${line.time} ` : ''}${source}${stripControls(line.text)}`;
}

/** All kept lines. */
export function logText(buffer: LogBuffer): string {
  const withSource = buffer.sources.containers > 1;
  const lines: string[] = [];
  for (const line of buffer) lines.push(lineText(line, withSource));
  return lines.length > 0 ? `${lines.join('\n')}\n` : '';
}

/** Hands the browser a text as a file. */
export function download(name: string, text: string): void {
  const url = URL.createObjectURL(new Blob([text], { type: 'text/plain;charset=utf-8' }));
  const a = document.createElement('a');
  a.href = url;
  a.download = name.replace(/[^\w.-]+/g, '-').slice(0, 120) || 'log.txt';
  a.click();
  // The browser has taken the address once the click is over.
  setTimeout(() => URL.revokeObjectURL(url), 10_000);
}
