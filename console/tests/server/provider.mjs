// An OpenID provider for a test: npm's oidc-provider. Whoever its people say they are, it believes them.
// Called with a port, the address to send browsers back to, and its people as JSON.
import { createRequire } from 'node:module';
import { homedir } from 'node:os';
import { join } from 'node:path';
import { pathToFileURL } from 'node:url';

const [port, redirect, people] = [process.argv[2], process.argv[3], JSON.parse(process.argv[4])];
const cache = process.env.XDG_CACHE_HOME || join(homedir(), '.cache');
// Where cargo xtask tools installs it.
const packages = createRequire(join(cache, 'hythe/npm/package.json'));
const { default: Provider } = await import(pathToFileURL(packages.resolve('oidc-provider')).href);

const provider = new Provider(`http://127.0.0.1:${port}`, {
  clients: [
    {
      client_id: 'hythe',
      client_secret: 'a-secret-that-they-share',
      redirect_uris: [redirect],
      grant_types: ['authorization_code'],
      response_types: ['code'],
    },
  ],
  pkce: { required: () => true },
  claims: { openid: ['sub'], email: ['email'], profile: ['name', 'preferred_username'], groups: ['groups'] },
  scopes: ['openid', 'email', 'profile', 'groups'],
  conformIdTokenClaims: false,
  cookies: { keys: ['a key of the test'] },
  features: { devInteractions: { enabled: true } },
  findAccount: async (context, id) => people[id] && { accountId: id, claims: async () => ({ sub: id, ...people[id] }) },
});
provider.listen(Number(port), '127.0.0.1');
