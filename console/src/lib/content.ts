// What a manifest is made of, read over the registry's own protocol: the API lists artifacts, not their layers.
import { plain } from '../api/client';

export interface Descriptor {
  mediaType: string;
  digest: string;
  size: number;
  annotations?: Record<string, string>;
}

export interface Manifest {
  text: string;
  mediaType: string;
  layers: Descriptor[];
  config: Descriptor | null;
}

export async function readManifest(name: string, digest: string): Promise<Manifest> {
  const response = await plain(`v2/${name}/manifests/${digest}`, { headers: { Accept: '*/*' } });
  const text = await response.text();
  const manifest = JSON.parse(text) as { layers?: Descriptor[]; blobs?: Descriptor[]; config?: Descriptor };
  return {
    text,
    mediaType: response.headers.get('Content-Type') ?? '',
    layers: manifest.layers ?? manifest.blobs ?? [],
    config: manifest.config ?? null,
  };
}

/** Lets a tag point to a digest again, byte for byte, if it still points where the reader saw it point. */
export async function moveTag(name: string, tag: string, to: string, from: string | null): Promise<void> {
  const manifest = await readManifest(name, to);
  const condition: Record<string, string> = from ? { 'If-Match': `"${from}"` } : { 'If-None-Match': '*' };
  await plain(`v2/${name}/manifests/${encodeURIComponent(tag)}`, {
    method: 'PUT',
    body: manifest.text,
    headers: { 'Content-Type': manifest.mediaType, ...condition },
  });
}
