// How the console is built: names that hold a hash, relative addresses, and each file compressed beforehand.
import { readdirSync, readFileSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { brotliCompressSync, constants, gzipSync } from 'node:zlib';
import { svelte } from '@sveltejs/vite-plugin-svelte';
import { defineConfig, type Plugin } from 'vite';

const MADE = 'dist';

/** Writes FILE.br and FILE.gz beside each file: the server sends them as they are. */
function compressed(): Plugin {
  return {
    name: 'compressed',
    apply: 'build',
    buildStart: () => rmSync(join(MADE, 'assets'), { recursive: true, force: true }),
    closeBundle() {
      for (const name of readdirSync(join(MADE, 'assets'))) {
        const path = join(MADE, 'assets', name);
        const bytes = readFileSync(path);
        const parameters = { [constants.BROTLI_PARAM_SIZE_HINT]: statSync(path).size };
        writeFileSync(`${path}.br`, brotliCompressSync(bytes, { params: parameters }));
        writeFileSync(`${path}.gz`, gzipSync(bytes, { level: 9 }));
      }
    },
  };
}

export default defineConfig({
  base: './',
  plugins: [svelte(), compressed()],
  // Not emptied as a whole: the folder holds a file that keeps it in the repository.
  build: {
    outDir: MADE,
    emptyOutDir: false,
    target: 'es2022',
    assetsInlineLimit: 0,
    modulePreload: { polyfill: false },
  },
  server: {
    proxy: Object.fromEntries(['/api', '/v2', '/c', '/service'].map((path) => [path, 'http://localhost:5000'])),
  },
});
