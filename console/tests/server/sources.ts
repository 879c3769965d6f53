// Real sources to sign in through: an OpenID provider and a directory, each of a test's own.
import { execFileSync, spawn, type ChildProcess } from 'node:child_process';
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { connect, createServer, type AddressInfo } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';

export const DIRECTORY_PASSWORD = 'Directory-12345';
const BASE = 'dc=office,dc=test';
const PATIENCE = 20_000;
/** Debian keeps servers where users do not look. */
const PATH = `${process.env.PATH ?? ''}:/usr/sbin:/sbin`;

export interface Source {
  /** What `POST /identity-sources` takes as settings. */
  settings: Record<string, unknown>;
  end: () => void;
}

/** A provider that knows these people by their subjects. */
export async function provider(redirect: string, people: Record<string, object>): Promise<Source> {
  const port = await freePort();
  const script = join(import.meta.dirname, 'provider.mjs');
  const words = [script, String(port), redirect, JSON.stringify(people)];
  // It warns of what a test wants: keys and sessions of one run.
  const child = spawn(process.execPath, words, { stdio: 'ignore' });
  await answers(port, child);
  const settings = {
    endpoint: `http://127.0.0.1:${port}`,
    client_id: 'hythe',
    client_secret: 'a-secret-that-they-share',
    scope: 'openid,profile,email,groups',
    groups_claim: 'groups',
  };
  return { settings, end: () => child.kill() };
}

/** A directory with these people, all with one password. */
export async function directory(people: string[]): Promise<Source> {
  const folder = mkdtempSync(join(tmpdir(), 'hythe-directory-'));
  const port = await freePort();
  const url = `ldap://127.0.0.1:${port}`;
  mkdirSync(join(folder, 'data'));
  writeFileSync(join(folder, 'slapd.conf'), configuration(folder));
  writeFileSync(join(folder, 'tree.ldif'), tree(people));
  const child = spawn('slapd', ['-d', '0', '-h', url, '-f', join(folder, 'slapd.conf')], {
    env: { ...process.env, PATH },
    stdio: ['ignore', 'ignore', 'inherit'],
  });
  await answers(port, child);
  const credentials = ['-D', `cn=admin,${BASE}`, '-w', DIRECTORY_PASSWORD];
  execFileSync('ldapadd', ['-x', '-H', url, ...credentials, '-f', join(folder, 'tree.ldif')], {
    stdio: ['ignore', 'ignore', 'inherit'],
  });
  const settings = {
    url,
    bind_dn: `cn=search,${BASE}`,
    bind_password: DIRECTORY_PASSWORD,
    base_dn: BASE,
    verify_certificate: false,
  };
  const end = () => {
    child.kill('SIGKILL');
    rmSync(folder, { recursive: true, force: true });
  };
  return { settings, end };
}

function configuration(folder: string): string {
  const schemas = ['core', 'cosine', 'nis', 'inetorgperson'].map(
    (schema) => `include /etc/ldap/schema/${schema}.schema`,
  );
  return `${schemas.join('\n')}
modulepath /usr/lib/ldap
moduleload back_mdb
database mdb
suffix "${BASE}"
rootdn "cn=admin,${BASE}"
rootpw ${DIRECTORY_PASSWORD}
directory ${join(folder, 'data')}
access to attrs=userPassword by anonymous auth by * none
access to * by dn.exact="cn=search,${BASE}" read by self read by anonymous auth by * none
`;
}

function tree(people: string[]): string {
  const entries = people.map(
    (person) => `dn: uid=${person},ou=people,${BASE}
objectClass: inetOrgPerson
cn: ${person} of the office
sn: ${person}
mail: ${person}@office.test
userPassword: ${DIRECTORY_PASSWORD}
`,
  );
  return `dn: ${BASE}
objectClass: dcObject
objectClass: organization
o: office

dn: ou=people,${BASE}
objectClass: organizationalUnit

dn: cn=search,${BASE}
objectClass: organizationalRole
objectClass: simpleSecurityObject
userPassword: ${DIRECTORY_PASSWORD}

${entries.join('\n')}`;
}

async function freePort(): Promise<number> {
  const server = createServer();
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  const { port } = server.address() as AddressInfo;
  await new Promise((resolve) => server.close(resolve));
  return port;
}

async function answers(port: number, child: ChildProcess): Promise<void> {
  const until = Date.now() + PATIENCE;
  while (!(await takes(port))) {
    if (Date.now() > until || child.exitCode !== null) throw new Error(`nothing answers on port ${port}`);
    await new Promise((resolve) => setTimeout(resolve, 50));
  }
}

function takes(port: number): Promise<boolean> {
  return new Promise((resolve) => {
    const socket = connect(port, '127.0.0.1');
    socket.once('connect', () => (socket.destroy(), resolve(true)));
    socket.once('error', () => resolve(false));
  });
}
