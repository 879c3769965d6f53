// Small images and artifacts as OCI layouts on disk, for a real client to push.
import { createHash } from 'node:crypto';
import { mkdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { gzipSync } from 'node:zlib';

interface Descriptor {
  mediaType: string;
  digest: string;
  size: number;
  platform?: { os: string; architecture: string; variant?: string };
}

const MANIFEST = 'application/vnd.oci.image.manifest.v1+json';
const INDEX = 'application/vnd.oci.image.index.v1+json';

/** A folder in the OCI image layout. */
export class Layout {
  constructor(private readonly folder: string) {
    mkdirSync(join(folder, 'blobs/sha256'), { recursive: true });
    writeFileSync(join(folder, 'oci-layout'), JSON.stringify({ imageLayoutVersion: '1.0.0' }));
  }

  /** An image of so many layers with a build history. */
  image(words: string, layers: number, architecture = 'amd64'): Descriptor {
    const parts = Array.from({ length: layers }, (_, index) =>
      file(`layer ${index} of ${words}`, 1024 * 40 ** (index % 3)),
    );
    const blobs = parts.map((bytes) => this.blob('application/vnd.oci.image.layer.v1.tar+gzip', gzipSync(bytes)));
    const config = {
      architecture,
      os: 'linux',
      author: 'The platform team',
      created: '2026-11-01T08:00:00Z',
      config: { Cmd: ['/bin/app'], Env: ['PATH=/bin'] },
      rootfs: { type: 'layers', diff_ids: parts.map(digest) },
      history: parts.map((_, index) => ({
        created: '2026-11-01T08:00:00Z',
        created_by: `RUN make part-${index} of ${words}`,
      })),
    };
    const manifest = {
      schemaVersion: 2,
      mediaType: MANIFEST,
      config: this.blob('application/vnd.oci.image.config.v1+json', json(config)),
      layers: blobs,
      annotations: { 'org.opencontainers.image.source': 'https://git.example.com/team/app' },
    };
    return { ...this.blob(MANIFEST, json(manifest)), platform: { os: 'linux', architecture } };
  }

  /** One image a platform, under one index. */
  index(words: string, architectures: string[]): Descriptor {
    const manifests = architectures.map((architecture) => this.image(`${words} ${architecture}`, 2, architecture));
    return this.blob(INDEX, json({ schemaVersion: 2, mediaType: INDEX, manifests }));
  }

  /** Says what the layout holds. */
  finish(top: Descriptor): void {
    writeFileSync(join(this.folder, 'index.json'), json({ schemaVersion: 2, mediaType: INDEX, manifests: [top] }));
  }

  private blob(mediaType: string, bytes: Buffer): Descriptor {
    const name = digest(bytes);
    writeFileSync(join(this.folder, 'blobs/sha256', name.slice('sha256:'.length)), bytes);
    return { mediaType, digest: name, size: bytes.length };
  }
}

export function digest(bytes: Buffer): string {
  return `sha256:${createHash('sha256').update(bytes).digest('hex')}`;
}

export function json(value: unknown): Buffer {
  return Buffer.from(JSON.stringify(value));
}

/** A tar archive of one file that says these words again and again. */
function file(words: string, length: number): Buffer {
  const content = Buffer.alloc(length, `${words}\n`);
  const head = Buffer.alloc(512);
  head.write('words.txt');
  head.write('0000644\0', 100);
  head.write(`${content.length.toString(8).padStart(11, '0')}\0`, 124);
  head.write('00000000000\0', 136);
  head.write('        ', 148);
  head.write('0', 156);
  const sum = head.reduce((total, byte) => total + byte, 0);
  head.write(`${sum.toString(8).padStart(6, '0')}\0 `, 148);
  const rest = Buffer.alloc((512 - (content.length % 512)) % 512);
  return Buffer.concat([head, content, rest, Buffer.alloc(1024)]);
}
