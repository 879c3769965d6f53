// Taking a deletion back.
import { api, ask, type Schema } from '../api/client';

export interface What {
  /** The repository's whole name. */
  repository: string;
  tag?: string | undefined;
  digest?: string;
  /** Only what this act deleted. */
  deletion?: string;
}

/** Puts something back: into its project by who may there, else by who may everywhere. */
export function restore(what: What, project?: string): Promise<Schema<'Restored'>> {
  const body = { overwrite: false, ...what };
  return ask(
    project
      ? api.POST('/projects/{project}/trash/restore', { params: { path: { project } }, body })
      : api.POST('/trash/restore', { body }),
  );
}
