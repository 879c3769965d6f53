// The settings of directories and of OpenID providers, as their form shows them.

export type Kind = 'ldap' | 'oidc';

/** One setting: its name in the API, how it is written, and whether most people leave it alone. */
export interface Setting {
  name: string;
  type: 'text' | 'secret' | 'number' | 'truth' | 'lines' | string[];
  value: string | number | boolean;
  further?: boolean;
}

const further = (settings: Setting[]): Setting[] => settings.map((setting) => ({ ...setting, further: true }));
const SCOPES = ['base', 'onelevel', 'subtree'];

export const SETTINGS: Record<Kind, Setting[]> = {
  ldap: [
    { name: 'url', type: 'text', value: 'ldaps://' },
    { name: 'start_tls', type: 'truth', value: false },
    { name: 'verify_certificate', type: 'truth', value: true },
    { name: 'bind_dn', type: 'text', value: '' },
    { name: 'bind_password', type: 'secret', value: '' },
    { name: 'base_dn', type: 'text', value: '' },
    { name: 'filter', type: 'text', value: '' },
    { name: 'uid_attribute', type: 'text', value: 'uid' },
    { name: 'administrator_group_dn', type: 'text', value: '' },
    { name: 'group_lookup', type: ['attribute', 'search', 'chain', 'none'], value: 'attribute' },
    ...further([
      { name: 'scope', type: SCOPES, value: 'subtree' },
      { name: 'user_bind_pattern', type: 'text', value: '' },
      { name: 'email_attribute', type: 'text', value: 'mail' },
      { name: 'name_attribute', type: 'text', value: 'cn' },
      { name: 'group_base_dn', type: 'text', value: '' },
      { name: 'group_scope', type: SCOPES, value: 'subtree' },
      { name: 'group_filter', type: 'text', value: '' },
      { name: 'group_name_attribute', type: 'text', value: 'cn' },
      { name: 'membership_attribute', type: 'text', value: 'memberOf' },
      { name: 'member_attribute', type: 'text', value: 'member' },
      { name: 'nested_groups', type: 'truth', value: false },
      { name: 'timeout_seconds', type: 'number', value: 5 },
      { name: 'cache_seconds', type: 'number', value: 60 },
      { name: 'ca_certificate', type: 'lines', value: '' },
    ]),
  ],
  oidc: [
    { name: 'display_name', type: 'text', value: '' },
    { name: 'endpoint', type: 'text', value: 'https://' },
    { name: 'client_id', type: 'text', value: '' },
    { name: 'client_secret', type: 'secret', value: '' },
    { name: 'verify_certificate', type: 'truth', value: true },
    { name: 'auto_onboard', type: 'truth', value: false },
    { name: 'groups_claim', type: 'text', value: '' },
    { name: 'administrator_group', type: 'text', value: '' },
    ...further([
      { name: 'scope', type: 'text', value: 'openid,profile,email' },
      { name: 'user_claim', type: 'text', value: '' },
      { name: 'group_filter', type: 'text', value: '' },
      { name: 'group_prefix', type: 'text', value: '' },
      { name: 'logout', type: 'truth', value: false },
      { name: 'ca_certificate', type: 'lines', value: '' },
    ]),
  ],
};

/** What differs from what the form was opened with: the server keeps all the rest. */
export function changes(
  before: Record<string, unknown>,
  after: Record<string, unknown>,
  settings: Setting[],
): Record<string, unknown> {
  const changed = settings.filter(
    ({ name, type }) => after[name] !== before[name] && !(type === 'secret' && !after[name]),
  );
  return Object.fromEntries(changed.map(({ name }) => [name, after[name]]));
}
