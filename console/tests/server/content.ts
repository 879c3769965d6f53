// What the test server holds: people of every role, projects, and images that skopeo pushed.
import { execFileSync } from 'node:child_process';
import { join } from 'node:path';
import { digest, json, Layout } from './images';
import { PASSWORD } from './place';

/** One person a role; all have the same password. */
export const PEOPLE = { guest: 3, developer: 2, maintainer: 4, manager: 1 } as const;
export type Person = keyof typeof PEOPLE | 'admin';

const EMPTY = json({});

/** Fills the server; the number of an audit of its storage. */
export async function fill(base: string, folder: string): Promise<string> {
  const ask = asker(base);
  await ask('POST', '/api/v2.0/projects', { project_name: 'team', metadata: { visibility: 'private' } });
  await ask('POST', '/api/v2.0/projects', { project_name: 'open', metadata: { visibility: 'public' } });
  for (const [username, role_id] of Object.entries(PEOPLE)) {
    await ask('POST', '/api/v2.0/users', {
      username,
      password: PASSWORD,
      email: `${username}@example.com`,
      realname: username,
    });
    await ask('POST', '/api/v2.0/projects/team/members', { role_id, member_user: { username } });
  }
  push(base, folder, 'team/app', '1.0', (layout) => layout.image('the first', 3));
  push(base, folder, 'team/app', '1.1', (layout) => layout.image('the second', 4));
  push(base, folder, 'team/app', 'stable', (layout) => layout.image('the first', 3));
  push(base, folder, 'team/app', 'stable', (layout) => layout.image('the second', 4));
  push(base, folder, 'team/deep/er/tool', 'latest', (layout) => layout.index('the tool', ['amd64', 'arm64']));
  push(base, folder, 'open/hello', 'latest', (layout) => layout.image('hello', 1));
  await refer(base, 'team/app', '1.1', 'application/spdx+json');
  await ask('POST', '/api/v2.0/labels', {
    name: 'released',
    color: '#2f9e44',
    scope: 'g',
    description: 'may go to production',
  });
  const robot = {
    name: 'ci',
    level: 'project',
    duration: 30,
    permissions: [{ kind: 'project', namespace: 'team', access: [{ resource: 'repository', action: 'pull' }] }],
  };
  await ask('POST', '/api/v2.0/robots', robot);
  return audit(base);
}

/** Audits the storage, to the end; its number. */
export async function audit(base: string, wanted: object = {}): Promise<string> {
  const ask = asker(base);
  const at = (await ask('POST', '/api/v2.0/system/storage-audit', wanted)).headers.get('Location') ?? '';
  for (let look = 0; look < 300; look += 1) {
    const { finish_time } = (await (await ask('GET', at)).json()) as { finish_time?: string };
    if (finish_time) return at.split('/').pop() ?? '';
    await new Promise((resolve) => setTimeout(resolve, 100));
  }
  throw new Error(`${at} does not end`);
}

/** A request by the administrator that must be answered with success. */
export function asker(base: string) {
  return async (method: string, path: string, body?: unknown, type = 'application/json'): Promise<Response> => {
    const bytes = Buffer.isBuffer(body) ? new Uint8Array(body) : body === undefined ? undefined : JSON.stringify(body);
    const headers = { Authorization: `Basic ${btoa(`admin:${PASSWORD}`)}`, 'Content-Type': type };
    const response = await fetch(base + path, { method, headers, body: bytes });
    if (!response.ok) throw new Error(`${method} ${path}: ${response.status} ${await response.text()}`);
    return response;
  };
}

/** Pushes by skopeo, with the administrator's name or these credentials. */
export function push(
  base: string,
  folder: string,
  repository: string,
  tag: string,
  make: (layout: Layout) => Parameters<Layout['finish']>[0],
  credentials = `admin:${PASSWORD}`,
): void {
  const path = join(folder, `layout-${repository.replaceAll('/', '-')}-${tag}`);
  const layout = new Layout(path);
  layout.finish(make(layout));
  const to = `docker://${base.replace('http://', '')}/${repository}:${tag}`;
  const words = ['copy', '--all', '--quiet', '--dest-tls-verify=false', '--dest-creds', credentials, `oci:${path}`, to];
  execFileSync('skopeo', words, { stdio: ['ignore', 'ignore', 'inherit'] });
}

/** Pushes an artifact that names another as its subject. */
async function refer(base: string, repository: string, tag: string, artifactType: string): Promise<void> {
  const ask = asker(base);
  const subject = await ask('GET', `/v2/${repository}/manifests/${tag}`);
  const bytes = Buffer.from(await subject.arrayBuffer());
  for (const blob of [EMPTY, json({ spdxVersion: 'SPDX-2.3', name: repository })]) {
    const begun = await ask('POST', `/v2/${repository}/blobs/uploads/`);
    const url = new URL(begun.headers.get('Location') ?? '', base);
    url.searchParams.set('digest', digest(blob));
    await ask('PUT', url.pathname + url.search, blob, 'application/octet-stream');
  }
  const sbom = json({ spdxVersion: 'SPDX-2.3', name: repository });
  const manifest = {
    schemaVersion: 2,
    mediaType: 'application/vnd.oci.image.manifest.v1+json',
    artifactType,
    config: { mediaType: 'application/vnd.oci.empty.v1+json', digest: digest(EMPTY), size: EMPTY.length },
    layers: [{ mediaType: artifactType, digest: digest(sbom), size: sbom.length }],
    subject: { mediaType: subject.headers.get('Content-Type'), digest: digest(bytes), size: bytes.length },
  };
  const body = json(manifest);
  await ask('PUT', `/v2/${repository}/manifests/${digest(body)}`, body, manifest.mediaType);
}
