// The project that the pages below it share: read once on entering, kept while its pages are changed between.
import { api, ask, type Schema } from '../api/client';
import { Loaded } from './loaded.svelte';
import { rightsIn, user } from './session.svelte';

export type Project = Schema<'Project'>;

/** A project and what the reader may do in it. */
export interface Place {
  project: Project;
  rights: Set<string>;
}

let kept: { name: string; reader: number | undefined; place: Loaded<Place> } | null = null;

export function openProject(name: string): Loaded<Place> {
  const reader = user()?.user_id;
  if (kept?.name === name && kept.reader === reader && !kept.place.trouble) return kept.place;
  const place = new Loaded<Place>(() => read(name));
  kept = { name, reader, place };
  return place;
}

/** After it was deleted, or changed in a way that all its pages show. */
export function forgetProject(): void {
  kept = null;
}

async function read(name: string): Promise<Place> {
  const project = await ask(api.GET('/projects/{project}', { params: { path: { project: name } } }));
  return { project, rights: await rightsIn(project.project_id) };
}
