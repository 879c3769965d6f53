// Where the running server's facts are kept between the processes of a test run.
import { readFileSync } from 'node:fs';
import { join } from 'node:path';

export const PLACE = join(import.meta.dirname, '../../test-results/server.json');
export const PASSWORD = 'Acceptance-12345';

export interface Server {
  base: string;
  pid: number;
  folder: string;
  /** The number of an audit of the storage that was done. */
  audit: string;
}

export const server = (): Server => JSON.parse(readFileSync(PLACE, 'utf8')) as Server;
