// A repository, or something in it, as people write it: `app`, `app:1.4`, `app@sha256:…`.

export interface Reference {
  repository: string;
  /** A tag or a digest; nothing for the repository itself. */
  of: string | null;
}

export function parse(text: string): Reference {
  const at = text.indexOf('@');
  if (at >= 0) return { repository: text.slice(0, at), of: text.slice(at + 1) };
  const colon = text.indexOf(':', text.lastIndexOf('/') + 1);
  if (colon >= 0) return { repository: text.slice(0, colon), of: text.slice(colon + 1) };
  return { repository: text, of: null };
}

/** The repository's name without its project's. */
export function within(project: string, name: string): string {
  return name.startsWith(`${project}/`) ? name.slice(project.length + 1) : name;
}

/** The address of a repository's page, or of an artifact's. */
export function pathOf(project: string, repository: string, of?: string | null): string {
  const encoded = repository.split('/').map(encodeURIComponent).join('/');
  const sign = of?.includes(':') ? '@' : ':';
  return `projects/${encodeURIComponent(project)}/repositories/${encoded}${of ? sign + of : ''}`;
}

/** The host that images are named with: the one this browser used. */
export function host(): string {
  return location.host;
}

/** An image's whole name for a client. */
export function fullName(project: string, repository: string, of?: string | null): string {
  const sign = of?.includes(':') ? '@' : ':';
  return `${host()}/${project}/${repository}${of ? sign + of : ''}`;
}
