// What the browser tests know of the Atoll they run against, and how they act on it besides the browser.
import { execFileSync } from 'node:child_process';
import { existsSync, readFileSync } from 'node:fs';
import { join, resolve } from 'node:path';

const repository = resolve(import.meta.dirname, '../..');
const build = join(repository, 'build');

export type Facts = {
  url: string;
  username: string;
  password: string;
  atollKubeconfig: string;
  node: 'real' | 'simulated';
};

/** What `make start` wrote; ATOLL_RUN_FILE names another place. */
export function facts(): Facts {
  const file = process.env.ATOLL_RUN_FILE ?? join(build, 'run/atoll.json');
  if (!existsSync(file)) throw new Error(`${file} is missing: run \`make start\` first, or set ATOLL_RUN_FILE`);
  return JSON.parse(readFileSync(file, 'utf8')) as Facts;
}

/** The browser of the machine; nothing is downloaded. CHROMIUM names another one. */
export function chromium(): string {
  const found = [process.env.CHROMIUM, '/usr/bin/chromium', '/usr/bin/chromium-browser', '/usr/bin/google-chrome'].find(
    (path) => path && existsSync(path),
  );
  if (!found) throw new Error('no Chromium found: apt-get install chromium, or set CHROMIUM');
  return found;
}

/** The command line; `make build` makes it, ATOLL_BINARY names another one. */
export function atoll(): string {
  const binary = process.env.ATOLL_BINARY ?? join(build, 'atoll');
  if (!existsSync(binary)) throw new Error(`${binary} is missing: run \`make build\``);
  return binary;
}

/** Runs kubectl through Atoll, as the administrator: ATOLL_KUBECTL, the local cluster's own, or the one on the PATH. */
export function kubectl(args: string[], input?: string): string {
  const local = join(build, 'local');
  const command =
    process.env.ATOLL_KUBECTL?.split(' ') ??
    (existsSync(local) ? [local, 'kubectl', '--dir', join(build, 'cluster'), '--'] : ['kubectl']);
  return execFileSync(command[0]!, [...command.slice(1), '--kubeconfig', facts().atollKubeconfig, ...args], {
    encoding: 'utf8',
    input,
    timeout: 60_000,
  });
}

type PodSpec = {
  containers: { name: string; image: string; imagePullPolicy?: string; command?: string[]; args?: string[] }[];
};

/** A pod like one that runs in the project already, with another name: the machine may have no other image. */
export function podLike(project: string, name: string): string {
  const pods = JSON.parse(kubectl(['get', 'pods', '-n', project, '-o', 'json'])) as {
    items: { metadata: { labels?: Record<string, string> }; spec: PodSpec; status: { phase: string } }[];
  };
  const running = pods.items.filter((pod) => pod.status.phase === 'Running');
  // The ticker writes a line each second.
  const model = running.find((pod) => pod.metadata.labels?.app === 'ticker') ?? running[0];
  if (!model) throw new Error(`no pod runs in project ${project} to take an image from`);
  const { image, imagePullPolicy, command, args } = model.spec.containers[0]!;
  return JSON.stringify({
    apiVersion: 'v1',
    kind: 'Pod',
    metadata: { name, namespace: project, labels: { app: name } },
    spec: { terminationGracePeriodSeconds: 0, containers: [{ name: 'main', image, imagePullPolicy, command, args }] },
  });
}

/** The package of the hello extension as one file: `make build/extensions/hello.tar`; ATOLL_HELLO names another one. */
export function helloTar(): string {
  const tar = process.env.ATOLL_HELLO ?? join(build, 'extensions/hello.tar');
  if (!existsSync(tar)) throw new Error(`${tar} is missing: run \`make build/extensions/hello.tar\``);
  return tar;
}
